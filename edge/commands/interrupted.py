"""What Ctrl-C leaves behind, by command: a person must know whether to give the same command again."""

from collections.abc import Sequence

from client.problems import Problem
from domain.contract.tables import SIGNALS, UPDATES

INTERRUPTED = 130

_READS = "只作查询，未改动任何内容 It only reads: nothing was changed."
_AGAIN = "已完成的保留；再执行同一命令即可继续 What was done stays; the same command again does the rest."
_ONE_PIECE = (
    "要么全部写入，要么未写入；可再执行 It is written whole or not at all; the same command may be given again."
)
_SENT = (
    "案件是否已受理尚不可知，以 status 核实；编号相同的同一命令再执行也只计一次"
    " Whether the case has taken it is not known: status shows it. The same command with the same ids counts once."
)
_BY_COMMAND = {
    **dict.fromkeys(("status", "list", "why", "worklist", "proof", "policy", "doctor"), _READS),
    **dict.fromkeys(("anchor", "deliveries"), _ONE_PIECE),
    **{name.replace("_", "-"): _SENT for name in (*SIGNALS, *UPDATES)},
    "ingest": (
        "读入的行已入账册，已立的案件照常推进；再执行同一命令即接着做"
        " The lines read so far are in the book, and cases opened go on: the same command again does the rest."
    ),
    "moratorium": (
        "登记簿中如已有此令即生效；以同一编号再执行，通知其余案件"
        " What the register has by now stands; the same command with the same id notifies the other cases."
    ),
}


def interrupted(arguments: Sequence[str]) -> Problem | None:
    """What to say of a command that was broken off, by its name; None for the demo, which says it itself."""
    name = next((word for word in arguments if not word.startswith("-")), "")
    if name == "demo":
        return None
    return Problem("Interrupted", f"已中止 interrupted. {_BY_COMMAND.get(name, _AGAIN)}")
