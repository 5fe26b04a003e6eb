"""Evidence: one thing that happened, kept for ever (R-30); its kinds stand in `domain.record.kinds`."""

from typing import Any, Protocol

from pydantic import Field

from domain.record.kinds import RecordedKind
from domain.vocabulary import Contract, Id, Moment


class Evidence(Contract):
    """One thing that happened, kept for ever (R-30).

    `at` is when it happened, `recorded_at` the case's clock when it learned of it. `key` is made by the case, so a
    repeated activity writes it once. `place` counts on through the case: what came first in one step.
    """

    key: Id
    place: int = 0
    what: RecordedKind
    rule: Id
    clause: Id
    at: Moment
    recorded_at: Moment
    actor_id: str | None = None
    actor_role: str | None = None
    actor_unit: str | None = None
    about: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class Owner(Protocol):
    """Whose chain evidence belongs to: an account by its case, or the reports to the government."""

    @property
    def account_id(self) -> str:
        """The chain's name."""

    @property
    def case_key(self) -> str:
        """The case, or the one report."""

    @property
    def reading_centre(self) -> str | None:
        """The unit whose people act, where there is one."""
