"""The edge for people and scripts: `python starter.py --help`."""

import sys

from edge.cli import main
from edge.output import leave

if __name__ == "__main__":
    leave(main(sys.argv[1:]))
