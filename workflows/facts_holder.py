"""The holder of a case's facts: every part of a case reads them here, and replaces them here."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.case.deadlines import settle
    from domain.case.facts import CaseFacts


class FactsHolder:
    """Facts are never changed, only replaced: whoever remembers them sees by `is` that they are new."""

    def __init__(self) -> None:
        self._facts: CaseFacts | None = None

    @property
    def is_open(self) -> bool:
        """Whether the case has facts yet."""
        return self._facts is not None

    @property
    def facts(self) -> CaseFacts:
        """The facts; only once the case is open."""
        assert self._facts is not None, "the case is not open yet"
        return self._facts

    def take(self, facts: CaseFacts) -> None:
        """Replace the facts, and apply every deadline that has passed by now."""
        self._facts = settle(facts, workflow.now())

    def put(self, facts: CaseFacts) -> None:
        """Replace the facts as they are: those of an earlier run, or those without what has been written."""
        self._facts = facts
