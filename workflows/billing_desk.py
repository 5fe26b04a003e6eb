"""BillingDesk: the questions of a case to billing, their order, and what an answer changes in the facts (II.6)."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.billing import BillingActivities, CircumstancesAsked, DebtAsked, DebtRead, RecordAsked, Standing
    from domain.case import announced_payments
    from domain.case.billing_answers import with_circumstances, with_debt
    from domain.case.cut_days import slot_wish
    from domain.case.facts import CaseFacts
    from domain.case.hints import copies_go_along, hinted, news_asks, only_copies_ask
    from domain.case.record_changes import take_record
    from domain.case.restoration import bills_restored_by_plan, paid_beside_a_plan
    from domain.customer import RecordRead
    from domain.money.debt import AccountDebt
    from workflows import counterparties as wait
    from workflows.effects import AFTER_A_FAILURE, insist
    from workflows.facts_holder import FactsHolder

CALENDAR_HORIZON = timedelta(days=120)
"""How far ahead of now the calendar of holidays is read."""
ANSWER_IS_FRESH = timedelta(seconds=20)
"""How old an answer of billing may be when the permit, or the last half-hour, is judged by it."""
ASKED_AT_ONCE = "light-at-once"
"""Change: where supply is off, billing is asked within the workflow task, and no longer by an activity in a queue."""
ASKED_AGAIN = "asked-again"
"""Change: billing is asked again for a payment that was announced and that it does not show."""
PAID_BESIDE_A_PLAN = "paid-beside-a-plan"
"""Change: a settlement that billing reports later restores supply, even where a plan was to restore it."""


class BillingDesk:
    """Asks billing, at most one question of a kind in the background, and takes each answer into the facts."""

    def __init__(self, held: FactsHolder) -> None:
        self._held = held
        self._questions = 0
        self._last_answered = 0
        self._answers_at_once = False
        self._last_record = 0
        self._question: asyncio.Task[bool] | None = None
        self._circumstances_asked: asyncio.Task[bool] | None = None
        self._record_read: asyncio.Task[bool] | None = None

    # ---- a question in the background ----------------------------------------------------------

    @property
    def answered(self) -> bool:
        """Whether a question in the background has ended, and `surface_faults` has not seen it yet."""
        questions = (self._question, self._circumstances_asked, self._record_read)
        return any(q is not None and q.done() for q in questions)

    @property
    def asking(self) -> bool:
        """Whether billing has yet to answer a question in the background."""
        return any(q is not None and not q.done() for q in (self._question, self._circumstances_asked))

    @property
    def only_circumstances_asked(self) -> bool:
        """Whether all that is asked is a question that needs the customer's record; the debt may be asked beside it."""
        debt_asked = self._question is not None and not self._question.done()
        return self.asking and not debt_asked and self._held.facts.present_since is not None

    @property
    def answers_at_once(self) -> bool:
        """Whether the question is for copies alone, and is being answered within the workflow task."""
        return self._answers_at_once

    @property
    def reads_record(self) -> bool:
        """Whether the customer's record is being read by itself."""
        return self._record_read is not None and not self._record_read.done()

    def ask_what_is_owed(self) -> None:
        """Ask what is owed, in the background: neither time nor people wait for the answer."""
        self._answers_at_once = only_copies_ask(self._held.facts)
        self._question = asyncio.create_task(self._read_debt())

    def ask_for_circumstances(self) -> None:
        """Read debt, calendar and moratoria in the background, for as long as it takes."""
        self._circumstances_asked = asyncio.create_task(self.read_circumstances(at_once=False))

    def surface_faults(self) -> None:
        """Raise the fault of a question that has ended; a question without one is forgotten."""
        if self._question is not None and self._question.done():
            self._question.result()
            self._question = None
        if self._circumstances_asked is not None and self._circumstances_asked.done():
            self._circumstances_asked.result()
            self._circumstances_asked = None
        if self._record_read is not None and self._record_read.done():
            self._record_read.result()
            self._record_read = None

    # ---- asking --------------------------------------------------------------------------------

    async def _read_debt(self) -> bool:
        number, hints, now = self.number_a_question(), self._held.facts.hints, workflow.now()
        supply_is_off, news = bool(self._held.facts.cuts_off), news_asks(self._held.facts)
        query = self._query(now, self._record_asked(needed=False) if supply_is_off else None)
        at_once = self._answers_at_once or (supply_is_off and workflow.patched(ASKED_AT_ONCE))
        read = await self._debt_at_once(query) if at_once else None
        self._answers_at_once = False
        if read is None:
            first = self._held.facts.cuts_off
            config = wait.titled(wait.BILLING_FOR_RESTORATION if first else wait.BILLING, "II.6 what is owed")
            read = await insist(BillingActivities.read_debt, query, config)
            assert read is not None
        facts = self._with_answer(number, query, read.alone(), hints)
        taken = self._with_record(facts, number, read.record)
        if taken is not self._held.facts:
            self._held.take(taken)
        if query.record is not None and read.record is None and news:
            self._begin_to_read_the_record()
        return True

    async def _debt_at_once(self, query: DebtAsked) -> DebtRead | None:
        """What billing says within the workflow task; None if it does not answer at once."""
        try:
            return await workflow.execute_local_activity_method(
                BillingActivities.read_debt, query, **wait.BILLING_AT_ONCE
            )
        except FailureError:
            return None

    async def read_circumstances(self, *, at_once: bool, restoring: bool = False) -> bool:
        """Read debt, record, calendar, moratoria; false if `at_once` asked for an answer within seconds and none came.

        No answer about the customer's record is none at all; where a restoration is asked for, it is not waited for.
        An answer that waited long for a worker counts as none: what was true then may be so no longer (R-17).
        """
        number, hints, now = self.number_a_question(), self._held.facts.hints, workflow.now()
        request = self._circumstances(now, self._record_asked(needed=not restoring))
        standing: Standing
        if at_once:
            config = wait.titled(wait.BILLING_NOW, "II.6 debt, calendar, moratoria")
            try:
                standing = await workflow.execute_activity_method(BillingActivities.look_around, request, **config)
            except ActivityError:
                return False
        else:
            standing = await self._insist_on_circumstances(request)
        facts = self._with_answer(number, request.debt, standing.debt, hints)
        facts = self._with_record(facts, number, standing.record)
        self._held.take(with_circumstances(facts, standing, now, workflow.now()))
        if restoring and request.debt.record is not None and standing.record is None:
            self._begin_to_read_the_record()
        return not at_once or (_complete(request.debt, standing.record) and workflow.now() - now <= ANSWER_IS_FRESH)

    async def _insist_on_circumstances(self, request: CircumstancesAsked) -> Standing:
        """Ask until debt and record are answered; a worker from before R-32 answers without a record."""
        config = wait.titled(wait.BILLING, "II.6 debt, calendar, moratoria")
        while True:
            standing: Standing = await insist(BillingActivities.look_around, request, config)
            if _complete(request.debt, standing.record):
                return standing
            await workflow.sleep(AFTER_A_FAILURE, summary="an answer without the record is asked for again")

    async def read_record(self) -> bool:
        """Read the customer's record alone, and take it over; false if none came within 15 s (R-32).

        For a meter that the case does not know. What is judged after it is judged on the facts of that moment. Reports
        that come while it is being read share that question, or copies of one would cost an activity each (R-31).
        """
        return await self._begin_to_read_the_record()

    def _begin_to_read_the_record(self) -> asyncio.Task[bool]:
        """Read it beside everything else, unless it is being read.

        So it is known, too, where a debt's answer came without it: no restoration waits for a record (R-32).
        """
        if self._record_read is None or self._record_read.done():
            self._record_read = asyncio.create_task(self._read_record())
        return self._record_read

    async def _read_record(self) -> bool:
        number, now = self.number_a_question(), workflow.now()
        query = self._query(now, self._record_asked(needed=True)).model_copy(update={"bills": ()})
        config = wait.titled(wait.BILLING_NOW, "II.7 the customer's record")
        try:
            read: RecordRead = await workflow.execute_activity_method(BillingActivities.read_record, query, **config)
        except ActivityError:
            return False
        self._held.take(self._with_record(self._held.facts, number, read))
        return workflow.now() - now <= ANSWER_IS_FRESH

    def _circumstances(self, now: datetime, record: RecordAsked | None) -> CircumstancesAsked:
        facts = self._held.facts
        return CircumstancesAsked(
            account=facts.account,
            debt=self._query(now, record),
            calendar_through=(now + CALENDAR_HORIZON + facts.seasons_last()).date(),
            doubted=(
                *(h.hold_id for h in facts.standing_holds if h.kind == "moratorium" and not h.listed),
                *facts.doubted,
            ),
            wish=slot_wish(facts, now),
        )

    def _query(self, now: datetime, record: RecordAsked | None) -> DebtAsked:
        facts = self._held.facts
        bills = set(facts.query_bills())
        if (restored := bills_restored_by_plan(facts)) and workflow.patched(PAID_BESIDE_A_PLAN):
            bills |= restored
        return DebtAsked(
            account_id=facts.account.account_id,
            as_of=now,
            bills=tuple(sorted(bills)),
            stage=facts.stage,
            record=record,
        )

    def _record_asked(self, *, needed: bool) -> RecordAsked | None:
        """What the case last took, to be compared with what is read; None before R-32 counts for it."""
        facts = self._held.facts
        if facts.present_since is None:
            return None
        return RecordAsked(number=facts.record_number, account=facts.record or facts.account, needed=needed)

    # ---- answers -------------------------------------------------------------------------------

    def _with_answer(self, number: int, query: DebtAsked, debt: AccountDebt, hints: int) -> CaseFacts:
        """The facts with billing's answer to a question asked after so many hints, unless a later one has overtaken it.

        What was asked first may still have been read last: where the two answers differ, billing is asked again (P2).
        """
        if not self.is_newest(number):
            facts = self._held.facts
            differs = facts.present_since is not None and debt.mark() != facts.debt.mark()
            return hinted(facts, workflow.now()) if differs else facts
        unseen = announced_payments.unseen(self._held.facts, debt, hints)
        facts = with_debt(self._held.facts, query, debt, workflow.now(), hints)
        if (paid := paid_beside_a_plan(facts, workflow.now())) is not facts and workflow.patched(PAID_BESIDE_A_PLAN):
            facts = paid
        asked_again = unseen and announced_payments.decide_about_supply(facts)
        if asked_again and (workflow.patched(ASKED_AGAIN) or facts.present_since):
            return announced_payments.awaited(facts, unseen, workflow.now())
        return facts.but(unbooked=())

    def _with_record(self, facts: CaseFacts, number: int, read: RecordRead | None) -> CaseFacts:
        """The facts with the record that came with this answer, unless a newer answer brought one (R-32)."""
        if read is None or number <= self._last_record:
            return facts
        self._last_record = number
        return take_record(facts, read, workflow.now())

    def number_a_question(self) -> int:
        """The number of a new question; it is asked for every copy of a message that waits."""
        if self._held.is_open:
            self._held.put(copies_go_along(self._held.facts, workflow.now()))
        self._questions += 1
        return self._questions

    def is_newest(self, number: int) -> bool:
        """An older question's answer never replaces a newer one: it may not know of a payment that the newer does."""
        newest = number > self._last_answered
        self._last_answered = max(number, self._last_answered)
        return newest


def _complete(asked: DebtAsked, record: RecordRead | None) -> bool:
    """Whether the answer has the record, if the question needed it."""
    return record is not None or asked.record is None or not asked.record.needed
