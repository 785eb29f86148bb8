"""What lies in the ground?"""
