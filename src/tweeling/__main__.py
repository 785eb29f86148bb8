"""`python -m tweeling` is the command `tweeling`."""

import sys

from tweeling.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
