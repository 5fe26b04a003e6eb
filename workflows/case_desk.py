"""What every part of a case shares: its facts, its record, its questions to billing, its alarm clock."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.billing import BillingActivities, DebtAsked, LookAround, Standing
    from activities.register import RegisterActivities
    from domain.case import announced_payments, procedure, views
    from domain.case.billing_answers import with_debt, with_look
    from domain.case.cut_days import slot_wish
    from domain.case.deadlines import settle
    from domain.case.facts import CaseFacts
    from domain.case.restoration import bills_lit_by_plan, paid_beside_a_plan
    from domain.money.debt import AccountDebt
    from domain.record.rows import Record
    from domain.vocabulary import Contract, Stage
    from workflows import counterparties as wait
    from workflows import search_attributes as shown

CALENDAR_HORIZON = timedelta(days=120)
AFTER_A_FAILURE = timedelta(minutes=1)
ANSWER_IS_FRESH = timedelta(seconds=20)
"""How old an answer of billing may be when the permit, or the last half-hour, is judged by it."""
LIGHT_AT_ONCE = "light-at-once"
"""Change: where supply is off, billing is asked within the workflow task, and no longer by an activity in a queue."""
ASKED_AGAIN = "asked-again"
"""Change: billing is asked again for a payment that was announced and that it does not show."""
PAID_BESIDE_A_PLAN = "paid-beside-a-plan"
"""Change: where a plan was to bring the light, a settlement that billing tells of later counts all the same."""
LATE_RECORDS = 10
"""Records at most that wait side by side for a register that is down."""


class CaseDesk:
    """The mutable side of a case; everything of substance is in `facts`, which is only ever replaced."""

    def __init__(self) -> None:
        self._facts: CaseFacts | None = None
        self._written: CaseFacts | None = None
        self._revision = 0
        self._register_lock = asyncio.Lock()
        self._permit_lock = asyncio.Lock()
        self._questions = 0
        self._last_answered = 0
        self._question: asyncio.Task[bool] | None = None
        self._effects: list[asyncio.Task[None]] = []
        self._late_records: list[asyncio.Task[Any]] = []
        self._wrote_at = 0
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._shown: tuple[object, ...] = ()
        self._attributes: dict[SearchAttributeKey[Any], Any] = {}
        self._record_keeper: asyncio.Task[None] | None = None

    # ---- facts ---------------------------------------------------------------------------------

    @property
    def facts(self) -> CaseFacts:
        """The facts; only once the case is open."""
        assert self._facts is not None, "the case is not open yet"
        return self._facts

    @property
    def stage(self) -> Stage:
        """Where the case stands, for whoever logs a line of it; from its opening on it is in the yellow stage."""
        return "yellow_notice" if self._facts is None else self._facts.stage

    def take(self, facts: CaseFacts) -> None:
        """Replace the facts, with all that follows from them by now."""
        self._facts = settle(facts, workflow.now())

    def note_cancellation(self) -> None:
        """Somebody asked Temporal to cancel the case; it goes on (R-02)."""
        if self._facts is not None:
            reason = "a case is not cancelled; withdraw ends it"
            self.take(
                self._facts.noted(workflow.now(), "message.ignored", "R-30", "II.0", message="cancel", reason=reason)
            )

    def next_act(self) -> procedure.Act:
        """What the procedure asks for now; deadlines passed since are applied first."""
        self.surface_faults()
        self.take(self.facts)
        return procedure.next_act(self.facts, workflow.now(), asking=self._asking)

    # ---- the record ----------------------------------------------------------------------------

    async def write(self) -> None:
        """Write what is unwritten: at once if the register answers, else in the background for as long as it takes."""
        async with self._register_lock:
            if not self.unwritten:
                return
            record = self.cut_record()
            try:
                await workflow.execute_local_activity_method(
                    RegisterActivities.write_record, record, **wait.REGISTER_AT_ONCE
                )
            except FailureError:  # a local activity's failure comes bare, not as an ActivityError
                self._insist_on(record)
            self._wrote_at = workflow.info().get_current_history_length()

    def write_apart(self) -> None:
        """Write what is unwritten by an activity of its own, in the background.

        What a local activity has written stays written even if the server gives its workflow task up, as it does with
        one that would close the case while a message arrives. So nothing that ends the case is written by one.
        """
        self._insist_on(self.cut_record())

    def _insist_on(self, record: Record) -> None:
        late = self.insist(RegisterActivities.write_record, record, wait.titled(wait.REGISTER, "R-30 record"))
        self._late_records = [*(r for r in self._late_records if not r.done()), asyncio.create_task(late)]

    @property
    def unwritten(self) -> bool:
        """The register has not been given everything yet."""
        return self._facts is not None and bool(self._facts.journal or self._facts.outgoing)

    def cut_record(self) -> Record:
        """Take the journal for writing, as much as fits into one record.

        Records may arrive in any order: their rows carry the revision.
        """
        self._revision += 1
        record = views.record(self.facts, self._written, self._revision, workflow.now())
        self._written = self._facts
        self._facts = views.after(self.facts, record)
        return record

    async def keep_the_record(self) -> None:
        """Write whatever messages leave behind, whenever no effect is about to take it along."""
        while True:
            await workflow.wait_condition(self._has_something_to_write)
            await self.write()

    def _has_something_to_write(self) -> bool:
        """While older records wait for the register, only what tells somebody something is tried beside them."""
        if not self.unwritten or self.facts.closed_at:
            return False
        if self._late >= LATE_RECORDS or (self._late and not self.facts.outgoing):
            return False
        act = procedure.next_act(self.facts, workflow.now(), asking=self._asking)
        return isinstance(act, procedure.Sleep | procedure.AskBilling | procedure.LookAround)

    @property
    def _late(self) -> int:
        """How many records wait for the register."""
        return sum(not record.done() for record in self._late_records)

    # ---- effects -------------------------------------------------------------------------------

    def carry_out(
        self,
        effect: Callable[[Any, Any], Any],
        order: Contract,
        config: workflow.ActivityConfig,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Have an effect done for as long as it takes; neither deadlines nor light wait behind it."""

        async def work() -> None:
            await self.insist(effect, order, config)
            then()

        self.show()
        self.in_background(work())

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside everything else; the case does not close before it is."""
        self._effects = [*(e for e in self._effects if not e.done()), asyncio.create_task(work)]

    def surface_faults(self) -> None:
        """A fault in the background must show in the workflow task; nothing is lost by it, for the task is retried."""
        for task in self._background():
            if task.done() and not task.cancelled():
                task.result()
        if self._question is not None and self._question.done():
            self._question.result()
            self._question = None

    def _background(self) -> list[asyncio.Task[Any]]:
        return [*self._effects, *self._late_records, *([self._record_keeper] if self._record_keeper else [])]

    async def insist(
        self, activity: Callable[[Any, Any], Any], order: Contract, config: workflow.ActivityConfig
    ) -> Any:
        """The activity's answer, however often it takes: what the law demands is not given up because one failed."""
        while True:
            try:
                return await workflow.execute_activity_method(activity, order, **config)
            except ActivityError:  # failed by an operator's hand, or for good: try again after a pause
                await workflow.sleep(AFTER_A_FAILURE, summary="a failed activity is tried again")

    # ---- questions to billing ------------------------------------------------------------------

    @property
    def _asking(self) -> bool:
        return self._question is not None and not self._question.done()

    def ask_billing(self) -> None:
        """Ask what is owed, in the background: neither time nor people wait for the answer."""
        self._question = asyncio.create_task(self._read_debt())

    def look_around_meanwhile(self) -> None:
        """Look around in the background, for as long as it takes."""
        self._question = asyncio.create_task(self.look_around(at_once=False))

    async def _read_debt(self) -> bool:
        number, hints, now = self._number(), self.facts.hints, workflow.now()
        query = self._query(now)
        debt = await self._debt_at_once(query) if self.facts.cuts_off and workflow.patched(LIGHT_AT_ONCE) else None
        if debt is None:
            config = wait.titled(wait.BILLING_FOR_LIGHT if self.facts.cuts_off else wait.BILLING, "II.6 what is owed")
            debt = await self.insist(BillingActivities.read_debt, query, config)
        if self._is_newest(number):
            self.take(self._with_answer(query, debt, hints))
        return True

    async def _debt_at_once(self, query: DebtAsked) -> AccountDebt | None:
        """What billing says within the workflow task; None if it does not answer at once."""
        try:
            return await workflow.execute_local_activity_method(
                BillingActivities.read_debt, query, **wait.BILLING_AT_ONCE
            )
        except FailureError:
            return None

    async def look_around(self, *, at_once: bool) -> bool:
        """Read debt, calendar and moratoria; false if `at_once` asked for an answer within seconds and none came.

        An answer that lay waiting for a worker is none either: what was true then may be so no longer (R-17).
        """
        number, hints, now = self._number(), self.facts.hints, workflow.now()
        request = LookAround(
            account=self.facts.account,
            debt=self._query(now),
            calendar_through=(now + CALENDAR_HORIZON + self.facts.seasons_last()).date(),
            doubted=tuple(h.hold_id for h in self.facts.standing_holds if h.kind == "moratorium" and not h.listed),
            wish=slot_wish(self.facts, now),
        )
        standing: Standing
        if at_once:
            config = wait.titled(wait.BILLING_NOW, "II.6 debt, calendar, moratoria")
            try:
                standing = await workflow.execute_activity_method(BillingActivities.look_around, request, **config)
            except ActivityError:
                return False
        else:
            config = wait.titled(wait.BILLING, "II.6 debt, calendar, moratoria")
            standing = await self.insist(BillingActivities.look_around, request, config)
        facts = self.facts
        if self._is_newest(number):
            facts = self._with_answer(request.debt, standing.debt, hints)
        self.take(with_look(facts, standing, now, workflow.now()))
        return not at_once or workflow.now() - now <= ANSWER_IS_FRESH

    def _with_answer(self, query: DebtAsked, debt: AccountDebt, hints: int) -> CaseFacts:
        """The facts with billing's answer to a question asked after so many hints."""
        unseen = announced_payments.unseen(self.facts, debt, hints)
        facts = with_debt(self.facts, query, debt, workflow.now(), hints)
        if (paid := paid_beside_a_plan(facts, workflow.now())) is not facts and workflow.patched(PAID_BESIDE_A_PLAN):
            facts = paid
        if unseen and announced_payments.decide_about_light(facts) and workflow.patched(ASKED_AGAIN):
            return announced_payments.awaited(facts, unseen, workflow.now())
        return facts.but(unbooked=())

    def _query(self, now: datetime) -> DebtAsked:
        facts = self.facts
        bills = set(facts.query_bills())
        if (lit := bills_lit_by_plan(facts)) and workflow.patched(PAID_BESIDE_A_PLAN):
            bills |= lit
        return DebtAsked(account_id=facts.account.account_id, as_of=now, bills=tuple(sorted(bills)), stage=facts.stage)

    def _number(self) -> int:
        self._questions += 1
        return self._questions

    def _is_newest(self, number: int) -> bool:
        """An older question's answer never replaces a newer one: it may not know of a payment that the newer does."""
        newest = number > self._last_answered
        self._last_answered = max(number, self._last_answered)
        return newest

    def goes_on_in_a_new_run(self) -> bool:
        """The history has grown long, and nothing is under way or unwritten that a new run would lose."""
        return (
            workflow.info().is_continue_as_new_suggested()
            and self.nothing_under_way()
            and not self._asking
            and not self.unwritten
            and not self._register_lock.locked()
            and self._wrote_at != workflow.info().get_current_history_length()  # as in `write_apart`
        )

    def nothing_under_way(self) -> bool:
        """Every message is answered, every effect done, every record in the register that was given up to it."""
        return workflow.all_handlers_finished() and all(t.done() for t in (*self._effects, *self._late_records))

    # ---- sleeping ------------------------------------------------------------------------------

    async def sleep(self, until: datetime | None, why: str) -> None:
        """Sleep until then, or until the facts change; a timer that is still right is kept."""
        self._set_alarm(until, why)
        seen, question = self._facts, self._question
        await workflow.wait_condition(
            lambda: (
                self._facts is not seen
                or (self._alarm is not None and self._alarm.done())
                or (question is not None and question.done())
                or any(t.done() and not t.cancelled() and t.exception() is not None for t in self._background())
                or self.goes_on_in_a_new_run()
            )
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
        shows = (facts.stage, roles, views.restore_due_by(facts))
        if shows == self._shown:
            return
        self._shown = shows
        values: dict[SearchAttributeKey[Any], Any] = {
            shown.STAGE: facts.stage,
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
