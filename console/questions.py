"""Questions to parts that may be down or hang: asked at once, answered by one deadline, never with an old answer."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from activities.anchor import AnchorBroken
from activities.billing import BillingUnavailable
from activities.register import RegisterUnavailable

log = structlog.get_logger()

FRESH_SECONDS = 5.0
"""An answer younger than this is given again: several requests at once cost the register one count."""
PATIENCE_SECONDS = 8.0
"""For all questions together. Less than Prometheus waits, so that a console does not seem to hang when a part
does."""
NO_ANSWER = (RegisterUnavailable, BillingUnavailable, AnchorBroken, SQLAlchemyError, OSError)
"""How a part says that it gives no answer; whatever else is raised is a fault of this program's."""

T = TypeVar("T")


@dataclass
class Question(Generic[T]):
    """One question, in a thread of its own: it cannot be ended, but nobody has to wait for it either."""

    part: str
    ask: Callable[[], T]
    good_for: float
    """Seconds after it was put in which its answer still counts."""
    failed: bool = False
    """Whether it ended by a fault of ours: then nothing is known of the part, not even that it is down."""
    _found: T | None = None
    _put_at: float = field(default_factory=time.monotonic)
    _asking: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Put it."""
        self._asking = threading.Thread(target=self._find_out, name=f"ask-{self.part}", daemon=True)
        self._asking.start()

    @property
    def hangs(self) -> bool:
        """Whether there is neither an answer yet nor the knowledge that there is none."""
        return self._asking.is_alive()

    @property
    def age(self) -> float:
        """Seconds since it was put."""
        return time.monotonic() - self._put_at

    def answer(self, until: float) -> T | None:
        """The answer, waited for until then by the monotonic clock; None if there is none, or an old one."""
        self._asking.join(max(0.0, until - time.monotonic()))
        # Of a question that hung for long the answer may be of the time when it was put.
        return None if self.hangs or self.age >= self.good_for else self._found

    def _find_out(self) -> None:
        try:
            self._found = self.ask()
        except NO_ANSWER as problem:
            log.warning("metrics.no_answer", part=self.part, reason=str(problem))
        except Exception:  # top of this thread: nobody above would see it, and it must not pass for a part that is down
            self.failed = True
            log.exception("metrics.fault", part=self.part)


@dataclass
class Asked(Generic[T]):
    """What a part is asked again and again.

    While one question hangs no second is put: a database that is slow to answer must not be asked ever more.
    """

    part: str
    ask: Callable[[], T]
    fresh: float = FRESH_SECONDS
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _latest: Question[T] | None = None

    def put(self) -> Question[T]:
        """The question, put now unless one hangs or was put just before; nothing is waited for."""
        with self._turn:
            latest = self._latest
            if latest is None or not (latest.hangs or latest.age < self.fresh):
                latest = Question(self.part, self.ask, self.fresh + PATIENCE_SECONDS)
                self._latest = latest
            return latest
