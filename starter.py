"""The edge for people and scripts: `python starter.py --help`."""

import sys

from edge.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
