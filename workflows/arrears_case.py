"""ArrearsCase: one durable workflow per overdue account, from the yellow notice to a payment, or to restored supply."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import assert_never

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.billing import AccountOpened, BillingActivities, OpenAccount
    from activities.channels import ChannelActivities, CustomerNotified, NotifyCustomer
    from activities.notices import NoticeActivities
    from activities.tickets import TicketActivities
    from domain.case import before_opening, closed_cut, final_half_hour, issuing, views
    from domain.case.billing_answers import with_circumstances
    from domain.case.closing import close, reopen
    from domain.case.entities import NoticeKind, Ticket
    from domain.case.facts import CaseFacts
    from domain.case.final_half_hour import half_hour_answered, reach_half_hour
    from domain.case.hints import copies_wait
    from domain.case.present_rules import LATEST_RULE
    from domain.case.procedure import (
        AskBilling,
        CheckBeforeCut,
        IssueNotice,
        Leave,
        ReadCircumstances,
        SendCutTicket,
        SendRestorationTicket,
        Sleep,
    )
    from domain.case.start_and_result import CaseClosed, CaseOpening
    from domain.contract.refusals import Refused
    from domain.record.deliveries import ChannelTry
    from domain.record.rows import NoticeOrder, TicketOrder
    from workflows import counterparties as wait
    from workflows.billing_desk import CALENDAR_HORIZON
    from workflows.case_desk import CaseDesk
    from workflows.case_messages import CaseMessages, account_named_by
    from workflows.effects import insist
    from workflows.payloads import NOTHING, parse
    from workflows.uncancelled import uncancelled

PATIENCE = timedelta(seconds=60)
"""How long a report of supply found cut waits for billing to say whose account it is."""
NOTIFIED_BY_CHANNEL = "told-by-channel"
"""Change: at T - 30 min billing is asked first; a channel notifies a customer who owes, not the reader alone."""
NO_ANSWER_IS_ON_RECORD = "no-word-is-on-record"
"""Change: channels that gave no answer in time are on record as such, and not only the reader's task."""
WRITTEN_WHILE_LEAVING = "written-while-leaving"
"""Change: a case that waits for an effect before it closes writes all that is new, not only notifications."""


@workflow.defn
class ArrearsCase(CaseMessages):
    """The regulation, clause by clause; people and systems take part through the messages of `CaseMessages`."""

    @workflow.init
    def __init__(self, opening: RawValue = NOTHING) -> None:
        super().__init__()
        self._cuts_notified = 0
        if workflow.info().continued_run_id is None:
            return  # only a case that went on by itself may bring facts along
        resumed = parse(CaseOpening, opening).resumed
        assert resumed is not None, "a case that goes on in a new run brings its facts"
        self.held.put(resumed)
        self.record.resume(resumed)

    @workflow.run
    @uncancelled(noticed=CaseDesk.note_cancellation)
    async def run(self, opening: RawValue = NOTHING) -> CaseClosed:
        """Open the case, then do what the procedure asks for next, until it is over.

        The sequence of the clauses stands in `domain/case/procedure.py`; here is what each act does.
        """
        if impossible := await self._open(opening):
            return impossible
        self.record.start()
        while True:
            match self.next_act():
                case SendRestorationTicket(cut_id):  # III.1, III.2: restoration comes first
                    self._send_restoration_ticket(cut_id)
                case AskBilling():
                    self.billing.ask_what_is_owed()
                case ReadCircumstances():
                    self.billing.ask_for_circumstances()
                case IssueNotice(kind):  # II.1 yellow, II.2 red
                    await self._issue_notice(kind)
                case SendCutTicket():  # II.3, after III.4 approval
                    self._send_cut_ticket()
                case CheckBeforeCut():  # II.4, II.6; the permit, II.7, is asked for by a message
                    await self._check_before_cut()
                case Sleep(until, why):
                    await self._sleep(until, why)
                case Leave() as leave:  # II.8, III.3
                    if closed := await self._leave(leave):
                        return closed
                case never:
                    assert_never(never)

    # ---- opening -------------------------------------------------------------------------------

    async def _open(self, raw: RawValue) -> CaseClosed | None:
        """Open the case with what billing knows of the account; what can never be a case closes withdrawn."""
        if self.held.is_open:
            return None
        info, now = workflow.info(), workflow.now()
        case = before_opening.Unopened(
            case_key=info.first_execution_run_id,
            workflow_id=info.workflow_id,
            account_id=account_named_by(info.workflow_id),
            opened_at=now,
        )
        try:
            opening = parse(CaseOpening, raw)
            if info.workflow_id != f"arrears-{opening.account_id}":
                raise Refused("BadRequest", f"the workflow id must be arrears-{opening.account_id}", field="account_id")
        except Refused as refusal:
            return await self._close_unopened(case, before_opening.BAD_START, str(refusal))
        if opening.policy:
            case = case.model_copy(update={"policy": opening.policy.label})
        heard = self.heard_before_opening
        found = await self._ask_whose_account(opening, case, now)
        if found.account is None:
            return await self._close_unopened(
                case, before_opening.UNKNOWN, f"{before_opening.UNKNOWN} {case.account_id}"
            )
        facts = CaseFacts(
            case_key=case.case_key,
            workflow_id=case.workflow_id,
            account=found.account,
            policy=found.policy,
            opened_at=now,
            debt=found.debt,
            debt_read_at=now,
            looked_at=now,
            look_answered_at=workflow.now(),
        )
        if self.present_rules_count():
            facts = facts.but(present_since=now, opened_with=found.debt.owed)
            facts = facts.but(record=found.account, record_number=found.record_number, record_read_at=now)
        rules = LATEST_RULE if facts.present_since else None
        facts = facts.noted(now, "case.opened", owed=found.debt.owed, policy=found.policy.label, rules=rules)
        if opening.paid_before_cut:
            facts = closed_cut.learned(facts, opening.paid_before_cut, now)
        self.open_with(with_circumstances(facts, found, now, workflow.now()), heard)
        return None

    async def _ask_whose_account(
        self, opening: CaseOpening, case: before_opening.Unopened, now: datetime
    ) -> AccountOpened:
        """Ask billing who this is, for as long as it takes; a report of supply found cut does not wait for it."""
        request = OpenAccount(
            account_id=opening.account_id,
            as_of=now,
            calendar_through=(now + CALENDAR_HORIZON).date(),
            policy=opening.policy,
        )
        asking: asyncio.Task[AccountOpened] = asyncio.create_task(
            insist(BillingActivities.open_account, request, wait.titled(wait.BILLING, "I.1 look the account up"))
        )
        while True:
            await workflow.wait_condition(lambda: asking.done() or self._unnotified_cuts() > 0)
            if not asking.done():
                with contextlib.suppress(asyncio.TimeoutError):
                    await workflow.wait_condition(asking.done, timeout=PATIENCE, timeout_summary="III.4 found dark")
            if asking.done():
                return await asking
            await self._notify_of_found_cuts(case, before_opening.NO_ANSWER)

    def _unnotified_cuts(self) -> int:
        return len(self.cuts_found_before_opening()) - self._cuts_notified

    async def _notify_of_found_cuts(self, case: before_opening.Unopened, why: str) -> None:
        reports, notified = self.cuts_found_before_opening(), self._cuts_notified
        self._cuts_notified = len(reports)
        await self.record.write_before_opening(
            before_opening.found_cut_reported(case, reports, notified, workflow.now(), why)
        )

    async def _close_unopened(self, case: before_opening.Unopened, why: str, reason: str) -> CaseClosed:
        """There is no case: cuts found are notified all the same, who waits is refused, and the result says why."""
        self.open_never(reason)
        closed_at = workflow.now()
        written = why == before_opening.BAD_START  # the register gets nothing of it, but for cuts found
        while self._unnotified_cuts() or not written or not workflow.all_handlers_finished():
            if self._unnotified_cuts():
                await self._notify_of_found_cuts(case, why)
                written = False
            elif not written:
                await self.record.write_before_opening(
                    before_opening.never_opened(case, self._cuts_notified, closed_at, reason)
                )
                written = True
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self._unnotified_cuts() > 0)
        return CaseClosed(account_id=case.account_id, outcome="withdrawn", closed_at=closed_at, reason=reason)

    # ---- II.1 – II.4, II.6 ---------------------------------------------------------------------

    async def _issue_notice(self, kind: NoticeKind) -> None:
        """Issue a notice; its period starts when it is delivered, not now (R-06)."""
        if self.facts.outgoing:  # a recall or a revocation does not wait behind papers
            return await self.record.write()
        now = workflow.now()
        facts, notice = issuing.issue_notice(self.facts, kind, now)
        self.take(facts)
        order = NoticeOrder(
            notice=views.notice_row(facts, notice.notice_id),
            lines=issuing.bill_lines(facts, notice.bills, now),
            reader=facts.account.reader,
            timezone=facts.policy.timezone,
            record=self.record.next_record(),
        )
        summary = "II.1 yellow notice" if kind == "yellow" else "II.2 red notice"
        config = wait.fairly(wait.NOTICES, facts.account.reading_centre)
        self.carry_out(NoticeActivities.issue_notice, order, wait.titled(config, summary))

    def _send_cut_ticket(self) -> None:
        """Send the ticket in the name of the reader who served; one that comes too late is no ticket (R-15)."""
        facts, ticket = issuing.send_cut_ticket(self.facts, workflow.now())
        self._send(facts, ticket, wait.titled(wait.CUT_TICKETS, "II.3 disconnection ticket"))

    def _send(self, facts: CaseFacts, ticket: Ticket, config: workflow.ActivityConfig) -> None:
        self.take(facts)
        order = TicketOrder(
            ticket=views.ticket_row(facts, ticket.ticket_id),
            timezone=facts.policy.timezone,
            record=self.record.next_record(),
            window_end=views.window_end(facts, ticket),
            neighbour=any(c.neighbour for c in facts.cuts if c.restore_ticket == ticket.ticket_id),
        )

        def arrived() -> None:
            """Judge the ticket by the time of its arrival (R-15)."""
            self.take(issuing.ticket_arrived(self.facts, ticket.ticket_id, workflow.now()))

        self.carry_out(TicketActivities.send_ticket, order, config, arrived)

    async def _check_before_cut(self) -> None:
        """T - 30 min: ask billing whether he still owes; no answer, no cut (R-17). Notify who owes (R-16)."""
        ticket = self.facts.cut_ticket
        assert ticket is not None
        by_channel = workflow.patched(NOTIFIED_BY_CHANNEL)
        facts = reach_half_hour(self.facts, workflow.now())
        self.take(
            facts if by_channel else final_half_hour.notify_through_reader(facts, ticket.ticket_id, workflow.now())
        )
        self.show()
        answered = await self.billing.read_circumstances(at_once=True)
        self.take(half_hour_answered(self.facts, ticket.ticket_id, workflow.now(), answered=answered))
        if by_channel and final_half_hour.must_be_notified(self.facts, ticket.ticket_id):
            self._notify_customer(ticket.ticket_id)

    def _notify_customer(self, ticket_id: str) -> None:
        """Have a channel notify the customer, or the reader if none accepts; a restoration does not wait (R-16)."""
        now = workflow.now()
        self.take(final_half_hour.notify(self.facts, ticket_id, now))
        order = NotifyCustomer(account_id=self.facts.account.account_id, notice=self.facts.outgoing[-1], at=now)

        async def notify() -> None:
            """Offer the notice to every channel, and record each channel's answer (R-16)."""
            try:
                notified = await workflow.execute_activity_method(
                    ChannelActivities.tell_customer, order, **wait.titled(wait.CHANNELS, "II.4 tell the customer")
                )
            except ActivityError:  # no answer in time is no acceptance
                none = (ChannelTry(channel="any", outcome="unknown", at=workflow.now()),)
                notified = CustomerNotified(tries=none if workflow.patched(NO_ANSWER_IS_ON_RECORD) else ())
            self.take(final_half_hour.channels_answered(self.facts, ticket_id, notified.tries, workflow.now()))

        self.in_background(notify())

    # ---- III -----------------------------------------------------------------------------------

    def _send_restoration_ticket(self, cut_id: str) -> None:
        """Send the restoration ticket to the field unit; nothing else is waited for (R-24)."""
        facts, ticket = issuing.send_restoration_ticket(self.facts, cut_id, workflow.now())
        self._send(facts, ticket, wait.titled(wait.RESTORATIONS, "III.1 restoration ticket"))

    # ---- sleeping and leaving ------------------------------------------------------------------

    async def _sleep(self, until: datetime | None, why: str) -> None:
        """Sleep to the next deadline; a case with a long history goes on in a new run first."""
        self.show()
        if self.goes_on_in_a_new_run():
            facts = self.record.for_a_new_run()
            workflow.continue_as_new(CaseOpening(account_id=facts.account.account_id, resumed=facts))
        await self.sleep(until, why)

    def _messages_so_far(self) -> tuple[int, int]:
        """Changes with every message that says anything."""
        return self.facts.hints + copies_wait(self.facts), self.facts.counters["evidence"]

    def _has_news(self) -> bool:
        """Something the register is to know while the case waits for its end."""
        if self.facts.outgoing:
            return True
        return self.record.unwritten and not self.record.late and workflow.patched(WRITTEN_WHILE_LEAVING)

    async def _leave(self, leave: Leave) -> CaseClosed | None:
        """Close, and check once more: whatever arrives before the end opens the case again (II.8, III.3)."""
        if not self.nothing_under_way() and self._has_news():
            await self.record.write()  # a recall does not wait for what keeps the case from closing
            return None
        seen = self.facts
        await workflow.wait_condition(lambda: self.nothing_under_way() or self.facts is not seen)
        if self.next_act() != leave or not self.nothing_under_way():
            return None
        before = self.facts
        self.take(close(before, leave, workflow.now()))
        self.show()
        heard = self._messages_so_far()
        while self.record.unwritten:
            self.record.write_apart()
        await workflow.wait_condition(lambda: self.nothing_under_way() or self._messages_so_far() != heard)
        if self._messages_so_far() != heard:
            self.take(reopen(self.facts, before, workflow.now()))
            return None
        self.record.stop()
        assert self.facts.closed_at is not None
        return CaseClosed(
            account_id=self.facts.account.account_id,
            outcome=leave.outcome,
            closed_at=self.facts.closed_at,
            reason=leave.reason,
        )
