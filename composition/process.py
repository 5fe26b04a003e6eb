"""How a process begins and ends: what the collector leaves alone, and an end without the SDK's threads."""

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with this code, all output written, and without Python's own tidying up.

    The SDK's threads may still call into the interpreter, and abort a program that has succeeded, when it ends in the
    same breath as its last request.
    """
    with suppress(OSError):  # a reader that has gone needs no more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def spare_the_collector() -> None:
    """Have Python's collector leave alone what is there for good: it halts every thread while it looks at the rest."""
    gc.collect()
    gc.freeze()
