"""`python -m tweeling` is the command `tweeling`."""

from tweeling.cli.main import main

if __name__ == "__main__":
    main()
