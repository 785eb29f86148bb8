"""The door for a terminal: `tweeling COMMAND`. One file a command; `main.py` lists them."""
