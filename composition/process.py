"""How a process begins and ends: what garbage collection skips, and an exit that the SDK's threads cannot abort."""

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with this code, all output written, and without Python's own tidying up.

    Just after its last request, the SDK's threads may still call into the interpreter. They would then abort a program
    that has succeeded.
    """
    with suppress(OSError):  # a reader that has gone needs no more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def spare_the_collector() -> None:
    """Exempt what stays for good from garbage collection, which halts every thread while it runs."""
    gc.collect()
    gc.freeze()
