"""What every part of a case shares: its facts, its effects, its alarm clock, and what Temporal UI shows of it."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from domain.case import procedure, views
    from domain.case.facts import CaseFacts
    from domain.case.neighbours import shown_stage
    from domain.case.present_rules import adopted
    from domain.vocabulary import Contract, Stage
    from workflows import search_attributes as shown
    from workflows.billing_desk import BillingDesk
    from workflows.effects import insist
    from workflows.facts_holder import FactsHolder
    from workflows.record_keeper import RecordKeeper


PRESENT_RULES = "facts-are-present"
"""Change: R-31 to R-35 count. Asked under the number of the wake-up until it is granted, then kept in the facts."""


class CaseDesk:
    """The mutable side of a case; everything of substance is in `facts`, which is only ever replaced."""

    def __init__(self) -> None:
        self.held = FactsHolder()
        self.record = RecordKeeper(self.held, self._sends_no_record)
        self.billing = BillingDesk(self.held)
        self._effects: list[asyncio.Task[None]] = []
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._shown: tuple[object, ...] = ()
        self._attributes: dict[SearchAttributeKey[Any], Any] = {}
        self._wake_ups = 0

    # ---- facts ---------------------------------------------------------------------------------

    @property
    def facts(self) -> CaseFacts:
        """The facts; only once the case is open."""
        return self.held.facts

    @property
    def stage(self) -> Stage:
        """Where the case stands, for whoever logs a line of it; from its opening on it is in the yellow stage."""
        return shown_stage(self.facts) if self.held.is_open else "yellow_notice"

    def take(self, facts: CaseFacts) -> None:
        """Replace the facts, and apply every deadline that has passed by now."""
        self.held.take(facts)

    def wake_up(self) -> None:
        """Take over R-31 to R-35 where they do not count yet, then apply every deadline that has passed by now.

        Whatever wakes the case comes here first. A run that began before these rules takes them over at once: they
        protect the customer, and its next run may be weeks away.
        """
        if self.facts.present_since is None and self.present_rules_count():
            self.take(self.facts)  # what was due before is judged as it was then
            self.held.put(adopted(self.facts, workflow.now()))
        self.take(self.facts)

    def present_rules_count(self) -> bool:
        """Whether this wake-up is one at which R-31 to R-35 count.

        `patched` answers no for the whole of a run that it has once answered so. Under the number of the wake-up, the
        first one that is no replay is granted, and every later replay finds its marker there.
        """
        self._wake_ups += 1
        return workflow.patched(f"{PRESENT_RULES}/{self._wake_ups}")

    def note_cancellation(self) -> None:
        """Somebody asked Temporal to cancel the case; it goes on (R-02)."""
        if self.held.is_open:
            reason = "a case is not cancelled; withdraw ends it"
            self.take(self.facts.noted(workflow.now(), "message.ignored", message="cancel", reason=reason))

    def next_act(self) -> procedure.Act:
        """What the procedure asks for now; deadlines passed since are applied first."""
        self.surface_faults()
        self.wake_up()
        return self._next_act()

    def _next_act(self) -> procedure.Act:
        return procedure.next_act(
            self.facts,
            workflow.now(),
            asking=self.billing.asking,
            debt_waits=not self.billing.only_circumstances_asked,
        )

    def _sends_no_record(self) -> bool:
        """No paper and no ticket is about to take the record along."""
        return isinstance(self._next_act(), procedure.Sleep | procedure.AskBilling | procedure.ReadCircumstances)

    # ---- effects -------------------------------------------------------------------------------

    def carry_out(
        self,
        effect: Callable[[Any, Any], Any],
        order: Contract,
        config: workflow.ActivityConfig,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Run an effect in the background and retry it until it succeeds."""

        async def work() -> None:
            """The effect until it has succeeded, and what follows from it."""
            await insist(effect, order, config)
            then()

        self.show()
        self.in_background(work())

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside everything else; the case does not close before it has ended."""
        self._effects = [*(e for e in self._effects if not e.done()), asyncio.create_task(work)]

    def nothing_under_way(self) -> bool:
        """Every message is answered, every effect done, every record that was given to the register is in it."""
        return workflow.all_handlers_finished() and all(e.done() for e in self._effects) and not self.record.late

    def surface_faults(self) -> None:
        """A fault in the background must show in the workflow task; nothing is lost by it, for the task is retried."""
        for task in self._background():
            if task.done() and not task.cancelled():
                task.result()
        self.billing.surface_faults()

    def _background(self) -> list[asyncio.Task[Any]]:
        return [*self._effects, *self.record.background]

    # ---- sleeping ------------------------------------------------------------------------------

    async def sleep(self, until: datetime | None, why: str) -> None:
        """Sleep until then, or until the facts change; a timer that is still right is kept.

        It is kept, too, while billing answers within the workflow task: what falls due by the question is soon over.
        """
        at_once = self.billing.answers_at_once
        if not at_once or self._alarm is None or self._alarm.done():
            self._set_alarm(until, why)
        seen = self.facts
        await workflow.wait_condition(
            lambda: (
                self.facts is not seen
                or (self._alarm is not None and self._alarm.done())
                or self.billing.answered
                or (at_once and not self.billing.answers_at_once)
                or any(t.done() and not t.cancelled() and t.exception() is not None for t in self._background())
                or self.goes_on_in_a_new_run()
            )
        )

    def goes_on_in_a_new_run(self) -> bool:
        """The history has grown long, and nothing is under way or unwritten that a new run would lose."""
        return (
            workflow.info().is_continue_as_new_suggested()
            and self.nothing_under_way()
            and not self.billing.asking
            and not self.billing.reads_record
            and self.record.may_change_runs
        )

    def _set_alarm(self, until: datetime | None, why: str) -> None:
        if self._alarm is not None and (self._alarm_at != until or self._alarm.done()):
            self._alarm.cancel()
            self._alarm = None
        if self._alarm is None and until is not None:
            pause = max(until - workflow.now(), timedelta(milliseconds=1))
            self._alarm = asyncio.create_task(workflow.sleep(pause, summary=why))
        self._alarm_at = until

    # ---- Temporal UI ---------------------------------------------------------------------------

    def show(self) -> None:
        """Details always; search attributes when the stage or who is awaited has changed."""
        facts, now = self.facts, workflow.now()
        awaited = views.waiting_for(facts, now)
        workflow.set_current_details(views.details(facts, now, awaited))
        roles = sorted({a.role for a in awaited})
        shows = (shown_stage(facts), roles, views.restore_due_by(facts))
        if shows == self._shown:
            return
        self._shown = shows
        values: dict[SearchAttributeKey[Any], Any] = {
            shown.STAGE: shown_stage(facts),
            shown.CUSTOMER_CLASS: facts.account.customer_class,
            shown.READING_CENTRE: facts.account.reading_centre,
            shown.REGION: facts.account.region,
            shown.WAITING_FOR: roles,
            shown.AMOUNT_OWED: float(facts.debt.owed),
            shown.PLANNED_CUT_AT: views.planned_cut_at(facts),
            shown.RESTORE_DUE_BY: views.restore_due_by(facts),
            shown.NEXT_DEADLINE: views.next_deadline(facts, now),
        }
        before, self._attributes = self._attributes, values
        workflow.upsert_search_attributes(  # the stage always, so that a history can be read by it
            [_set_or_unset(k, v) for k, v in values.items() if k is shown.STAGE or v != before.get(k)]
        )


def _set_or_unset(key: SearchAttributeKey[Any], value: Any) -> SearchAttributeUpdate[Any]:
    return key.value_unset() if value is None else key.value_set(value)
