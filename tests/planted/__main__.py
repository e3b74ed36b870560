"""``python -m tests.planted``; a module of its own, as worker processes import the other."""

import sys

from tests.planted.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
