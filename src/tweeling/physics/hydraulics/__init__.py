"""Heads and flows of all members of an ensemble at once."""
