"""The edge for people and scripts: `python starter.py --help`."""

import sys

from composition.process import leave
from console.command import add_serve_command
from edge.commands.application import main

if __name__ == "__main__":
    leave(main(sys.argv[1:], add_serve_command))
