"""The door for the web: readings in, estimates and findings out."""
