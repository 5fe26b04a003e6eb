"""What the demo shows: progress as the lives go on, then the closing table; all on stderr if a script reads stdout."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table

from domain.words import OUTCOMES, both_of
from edge.demo.ending import SIGNS, Ending
from edge.demo.lives import Life
from edge.demo.mail_folder import mails_in
from edge.demo.stage import ROOT, Stage
from edge.terminal import PatientConsole, print_json


class Screen:
    """Where the demo prints: a line for each life that runs, and lines that stay for what is done."""

    def __init__(self, as_json: bool, total: int) -> None:
        self.as_json = as_json
        out = PatientConsole(stderr=as_json, highlight=False)
        # A pipe has no width: a table folded at 80 columns could not be read there.
        self.out = out if out.is_terminal else PatientConsole(stderr=as_json, highlight=False, width=180)
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        self._live = Progress(*columns, console=self.out, transient=True, disable=not self.out.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._total, self._done = total, 0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del kind, error, at
        self._live.stop()

    def say(self, text: str) -> None:
        """A sentence that stays."""
        self.out.print(text, soft_wrap=True, markup=False)

    def begins(self, life: Life) -> None:
        """A life begins."""
        self._tasks[life.customer.account_id] = self._live.add_task(f"{life.title_zh} {life.title_en}", total=None)

    def step(self, life: Life, at: datetime | None, what: str) -> None:
        """Somebody does something, or time passes, in a life that runs."""
        task = self._tasks[life.customer.account_id]
        fields = self._live.tasks[self._live.task_ids.index(task)].fields if task in self._live.task_ids else {}
        day = f"{at:%Y-%m-%d %H:%M}" if at is not None else fields.get("day", "")
        text = f"{life.customer.account_id} {day:16} {life.title_zh} {life.title_en}: {what}"
        self._live.update(task, description=text, day=day)

    def ends(self, life: Life, ending: Ending) -> None:
        """A life is over."""
        self._live.remove_task(self._tasks.pop(life.customer.account_id))
        self._done += 1
        mark = "✗" if ending.problems else "✓"
        self.say(
            f"{mark} {self._done:>2}/{self._total} {ending.account_id} {life.title_zh} {life.title_en}"
            f" · {ending.days:g} 天 days · {ending.signs}"
        )
        for problem in ending.problems:
            self.say(f"      {problem}")


def commands(folder: Path) -> str:
    """What a shell needs before the name of a command, in whatever folder it stands."""
    environment, starter = (shlex.quote(str(path)) for path in (folder / "environment.sh", ROOT / "starter.py"))
    return f". {environment} && {shlex.quote(sys.executable)} {starter}"


def closing(screen: Screen, stage: Stage, endings: Sequence[Ending], report: Mapping[str, Any], seconds: float) -> None:
    """The end: one JSON object for a script; the table, and where everything lies, for people."""
    good = sum(not e.problems for e in endings)
    if screen.as_json:
        print_json(
            {
                "lives": [e.as_json() for e in endings],
                "as_scripted": good,
                "of": len(endings),
                "ingest": report,
                "seconds": round(seconds, 1),
                "worker_restarts": stage.restarts,
                "address": stage.address,
                "ui": stage.ui,
                "folder": str(stage.folder),
                "register": str(stage.folder / "register.db"),
                "proofs": str(stage.folder / "proofs"),
                "mails": str(stage.mails),
                "mails_sent": len(mails_in(stage.mails)),
                "documents": str(stage.folder / "documents"),
                "processes": stage.pids,
                "kept": stage.keep,
            }
        )
        return
    table = Table(title="案件一览 The lives of the sample book", title_justify="left")
    for title in ("户号 account", "类别 class", "经历 path", "结果 outcome", "天 days", "事件 events"):
        right = title.startswith(("天", "事"))
        table.add_column(title, justify="right" if right else "left", no_wrap=right or title.startswith("户"))
    for e in endings:
        outcome = (both_of(OUTCOMES, e.outcome) if e.outcome else "–") + ("" if not e.problems else " ✗")
        path = f"{e.life.title_zh} {e.life.title_en}\n{e.signs}"
        table.add_row(e.account_id, e.life.customer.kind, path, outcome, f"{e.days:g}", str(e.events))
    screen.out.print(table)
    screen.say(SIGNS)
    screen.say(f"{good}/{len(endings)} 与剧本一致 as scripted, {seconds:.0f} s")
    screen.say(f"登记簿 register   {stage.folder / 'register.db'}")
    screen.say(f"邮件 mails        {stage.mails} ({len(mails_in(stage.mails))} 封: to customers and crews, as .eml)")
    screen.say(f"核对 proofs       {stage.folder / 'proofs'} (a file each, the record of every account verified; PDF)")
    papers = sum(len(e.papers) for e in endings)
    screen.say(
        f"文书 papers       {stage.folder / 'documents'} ({papers} 份 notices, tickets and notices of delay, PDF)"
    )
    if stage.keep:
        pids = " ".join(str(pid) for pid in stage.pids.values())
        names = ", ".join(f"{name} {pid}" for name, pid in stage.pids.items())
        screen.say(f"Temporal UI       {stage.ui} (仍在运行 still running: {names}; to stop: kill {pids})")
        screen.say(f"其他命令 commands  {commands(stage.folder)} list")
    else:
        screen.say(f"Temporal UI       {stage.ui} (已停止 stopped; make demo DEMO_FLAGS=--keep leaves it running)")
