"""What does water do?"""
