"""The messages a case takes and the queries it answers, as the contract names them."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.case import views
    from domain.case.checks import check_actor
    from domain.case.conditions import unmet_for_permit, why_not_cut
    from domain.case.facts import CaseFacts
    from domain.case.restoration import cut_to_answer_for
    from domain.case.rulings import SIGNAL_RULINGS, UPDATE_RULINGS, cutting
    from domain.case.rulings.policy import keeping_tolerance
    from domain.case.rulings.signals import ignored
    from domain.case.rulings.steering import passing_on
    from domain.contract import updates as m
    from domain.contract.answers import Condition, RestorationAnswer, StillOwing
    from domain.contract.business_keys import business_key
    from domain.contract.refusals import RECORDED, Refused
    from domain.contract.signals import SupplyFoundCut
    from domain.contract.tables import SIGNALS, UPDATES
    from domain.vocabulary import Actor, Contract, money
    from workflows.case_desk import CaseDesk
    from workflows.payloads import NOTHING, parse

Answer = dict[str, Any]
Amendment = Callable[[CaseFacts, CaseFacts, datetime], CaseFacts]
AMENDMENTS: dict[str, tuple[str, Amendment]] = {
    "change_policy": ("keeps-its-tolerance", keeping_tolerance),
    "reassign": ("passed-on", passing_on),
}
"""Changes: what is kept of an update besides, of the case as it was before and as the update left it."""


class CaseMessages(CaseDesk):
    """Every handler parses, judges by a pure ruling and replaces the facts; `ArrearsCase.run` does the work."""

    def __init__(self) -> None:
        super().__init__()
        self._early_signals: list[tuple[str, RawValue, datetime]] = []
        self._not_opened: str | None = None
        self._permit_lock = asyncio.Lock()

    # ---- opening -------------------------------------------------------------------------------

    def open_with(self, facts: CaseFacts, heard: int) -> None:
        """The case is open; what was signalled meanwhile is taken in the order of its arrival.

        The first `heard` of them came before billing was asked, so its answer knows of them.
        """
        for number, (name, raw, arrived) in enumerate(self._early_signals, start=1):
            facts = self._ruled_signal(facts, name, raw, arrived)
            if number == heard:
                facts = facts.but(hints_answered=facts.hints, announced=Decimal("0.00"))
        self._early_signals.clear()
        self.take(facts)

    @property
    def heard_before_opening(self) -> int:
        """How many signals have come so far to a case that is not open."""
        return len(self._early_signals)

    def cuts_found_before_opening(self) -> list[SupplyFoundCut]:
        """The reports of supply found cut that have come so far, as far as they are well-formed."""
        found = []
        for name, raw, _ in self._early_signals:
            if name == "supply_found_cut":
                with contextlib.suppress(Refused):
                    found.append(parse(SupplyFoundCut, raw))
        return found

    def open_never(self, reason: str) -> None:
        """There will be no case; whoever waits for an answer is refused."""
        self._not_opened = reason

    # ---- judging -------------------------------------------------------------------------------

    def _signalled(self, name: str, raw: RawValue) -> None:
        if not self.held.is_open:
            self._early_signals.append((name, raw, workflow.now()))
        else:
            self.take(self.facts)  # what time has brought about comes first
            self.take(self._ruled_signal(self.facts, name, raw, workflow.now()))

    @staticmethod
    def _ruled_signal(facts: CaseFacts, name: str, raw: RawValue, arrived: datetime) -> CaseFacts:
        try:
            return SIGNAL_RULINGS[name](facts, parse(SIGNALS[name].payload, raw), arrived)
        except Refused as refusal:
            return ignored(facts, arrived, name, str(refusal))

    def _check_form(self, name: str, raw: RawValue) -> None:
        """Refusals of form come from the validator and leave no event."""
        try:
            parse(UPDATES[name].payload, raw)
        except Refused as refusal:
            raise _failure(refusal) from None

    async def _updated(self, name: str, raw: RawValue) -> Answer:
        """Judge an update: a duplicate gets its first answer, a refusal leaves the case unchanged."""
        message = await self._open_and_parsed(name, raw)
        if (first := self._first_answer(name, message)) is not None:
            return first
        try:
            facts, answer = UPDATE_RULINGS[name](self.facts, message, workflow.now())
        except Refused as refusal:
            raise self._refused(name, message, refusal) from None
        return self._accepted(name, message, self._amended(name, facts), answer)

    def _amended(self, name: str, facts: CaseFacts) -> CaseFacts:
        """The facts with what a later version adds to such a message, in the runs that know it."""
        if name not in AMENDMENTS:
            return facts
        change, amend = AMENDMENTS[name]
        amended = amend(self.facts, facts, workflow.now())
        return amended if amended is not facts and workflow.patched(change) else facts

    async def _open_and_parsed(self, name: str, raw: RawValue) -> Any:
        await workflow.wait_condition(lambda: self.held.is_open or self._not_opened is not None)
        if not self.held.is_open:
            raise _failure(Refused("NotWaiting", f"there is no case: {self._not_opened}"))
        self.take(self.facts)  # what time has brought about comes first
        try:
            return parse(UPDATES[name].payload, raw)
        except Refused as refusal:  # the validator let it pass once; a stricter model replays it as a refusal
            raise _failure(refusal) from None

    def _first_answer(self, name: str, message: Contract) -> Answer | None:
        """The answer this message was given before; a sender who may not send it is refused as ever."""
        spec, actor = UPDATES[name], getattr(message, "actor", None)
        if spec.roles and isinstance(actor, Actor):
            try:
                check_actor(self.facts, actor, spec.roles)
            except Refused:
                return None
        answer: Answer | None = self.facts.answers.get(_answer_key(name, message))
        return answer

    def _accepted(self, name: str, message: Contract, facts: CaseFacts, answer: Contract) -> Answer:
        given = answer.model_dump(mode="json", exclude_none=True)
        self.take(facts.but(answers={**facts.answers, _answer_key(name, message): given}))
        return given

    def _refused(self, name: str, message: Contract, refusal: Refused) -> ApplicationError:
        """Refusals of role, unit and person are recorded as evidence; the others leave nothing (III.4)."""
        if refusal.type in RECORDED:
            self.take(
                self.facts.noted(
                    workflow.now(),
                    "message.refused",
                    "R-12",
                    "III.4",
                    actor=getattr(message, "actor", None),
                    message=name,
                    type=refusal.type,
                    reason=str(refusal),
                )
            )
        return _failure(refusal)

    # ---- the two updates that ask billing ------------------------------------------------------

    async def _permit_requested(self, raw: RawValue) -> Answer:
        """One request at a time: billing is asked, then everything is judged afresh on that moment's facts (R-18)."""
        message: m.RequestPermit = await self._open_and_parsed("request_permit", raw)
        async with self._permit_lock:
            self.take(self.facts)
            try:
                check_actor(self.facts, message.actor, UPDATES["request_permit"].roles)
                if (held := cutting.permit_held_by(self.facts, message)) is not None:
                    return held.model_dump(mode="json", exclude_none=True)
                asked = not unmet_for_permit(
                    self.facts, workflow.now(), message.ticket_id, message.meter_id, message.actor.id
                )
                answered = asked and await self.billing.read_circumstances(at_once=True)
                self.take(self.facts)
                facts, answer = cutting.decide_permit(
                    self.facts, message, workflow.now(), asked=asked, answered=answered
                )
            except Refused as refusal:
                raise self._refused("request_permit", message, refusal) from None
            self.take(facts)
            return answer.model_dump(mode="json", exclude_none=True)

    async def _restoration_requested(self, raw: RawValue) -> Answer:
        """95598 or the counter asks: settled means a ticket, else what is still owing (R-22)."""
        name = "request_restoration"
        message: m.RequestRestoration = await self._open_and_parsed(name, raw)
        if (first := self._first_answer(name, message)) is not None:
            return first
        try:
            check_actor(self.facts, message.actor, UPDATES[name].roles)
            if cut_to_answer_for(self.facts) is None:
                raise Refused("NotWaiting", "supply is not off in this case", rule="R-22", clause="III.1")
            await self._ask_until_known()
        except Refused as refusal:
            raise self._refused(name, message, refusal) from None
        cut = cut_to_answer_for(self.facts)
        if cut is None or cut.restore_since is not None:
            ticket = cut.restore_ticket if cut else self.facts.cuts[-1].restore_ticket
            answer = RestorationAnswer(ticket_id=ticket)
        else:
            owing = StillOwing(
                amount=money(self.facts.outstanding(cut.bills)),
                late_fee=self.facts.late_fee(workflow.now(), cut.bills),
            )
            answer = RestorationAnswer(still_owing=owing)
        facts = self.facts.noted(
            workflow.now(),
            "restoration.requested",
            "R-22",
            "III.1",
            actor=message.actor,
            about=message.request_id,
            source=message.source,
            answer="ticket" if answer.ticket_id else "still_owing",
        )
        return self._accepted(name, message, facts, answer)

    async def _ask_until_known(self) -> None:
        cut, asked = cut_to_answer_for(self.facts), workflow.now()
        if cut is None or cut.restore_since is not None or await self.billing.read_circumstances(at_once=True):
            return
        if self.facts.debt_read_at < asked:
            self.take(self.facts.but(hints=self.facts.hints + 1))
            raise Refused(
                "NoAnswer",
                "billing gives no answer; it is asked until it does, and supply comes back once the debt is settled",
                rule="R-22",
                clause="III.1",
            )

    # ---- signals -------------------------------------------------------------------------------

    @workflow.signal(description="A bill has fallen overdue; opens a case or joins it")
    def bill_overdue(self, payload: RawValue = NOTHING) -> None:
        """A bill has fallen overdue; opens a case or joins it."""
        self._signalled("bill_overdue", payload)

    @workflow.signal(description="Money arrived: billing is asked at once")
    def payment_received(self, payload: RawValue = NOTHING) -> None:
        """Money arrived: billing is asked at once."""
        self._signalled("payment_received", payload)

    @workflow.signal(description="A payment bounced; opens a case or joins it")
    def payment_reversed(self, payload: RawValue = NOTHING) -> None:
        """A payment bounced; opens a case or joins it."""
        self._signalled("payment_reversed", payload)

    @workflow.signal(description="Ask the billing system again")
    def recheck_requested(self, payload: RawValue = NOTHING) -> None:
        """Ask the billing system again."""
        self._signalled("recheck_requested", payload)

    @workflow.signal(description="Stop the march: dispute, hardship, medical, moratorium")
    def hold_placed(self, payload: RawValue = NOTHING) -> None:
        """Stop the march: dispute, hardship, medical, moratorium."""
        self._signalled("hold_placed", payload)

    @workflow.signal(description="A hold no longer stands")
    def hold_lifted(self, payload: RawValue = NOTHING) -> None:
        """A hold no longer stands."""
        self._signalled("hold_lifted", payload)

    @workflow.signal(description="The customer was found cut off for arrears")
    def supply_found_cut(self, payload: RawValue = NOTHING) -> None:
        """The customer was found cut off for arrears."""
        self._signalled("supply_found_cut", payload)

    @workflow.signal(dynamic=True, description="Anything else is noted and ignored")
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that the contract does not know leaves a note and nothing else."""
        del args
        if self.held.is_open:
            self.take(ignored(self.facts, workflow.now(), name[:128], "no such signal"))

    # ---- updates -------------------------------------------------------------------------------

    @workflow.update(description="A notice was signed, refused, or could not be delivered")
    async def record_delivery(self, payload: RawValue = NOTHING) -> Answer:
        """A notice was signed, refused, or could not be delivered."""
        return await self._updated("record_delivery", payload)

    @record_delivery.validator
    def _record_delivery_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("record_delivery", payload)

    @workflow.update(description="The rung it was sent to has read a report")
    async def acknowledge_escalation(self, payload: RawValue = NOTHING) -> Answer:
        """The rung it was sent to has read a report."""
        return await self._updated("acknowledge_escalation", payload)

    @acknowledge_escalation.validator
    def _acknowledge_escalation_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("acknowledge_escalation", payload)

    @workflow.update(description="Approve or reject the cut of one red notice")
    async def decide_approval(self, payload: RawValue = NOTHING) -> Answer:
        """Approve or reject the cut of one red notice."""
        return await self._updated("decide_approval", payload)

    @decide_approval.validator
    def _decide_approval_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("decide_approval", payload)

    @workflow.update(description="Filed with the power authority, or help asked of the government")
    async def record_filing(self, payload: RawValue = NOTHING) -> Answer:
        """Filed with the power authority, or help asked of the government."""
        return await self._updated("record_filing", payload)

    @record_filing.validator
    def _record_filing_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("record_filing", payload)

    @workflow.update(description="The field unit has the disconnection or restoration ticket")
    async def acknowledge_ticket(self, payload: RawValue = NOTHING) -> Answer:
        """The field unit has the disconnection or restoration ticket."""
        return await self._updated("acknowledge_ticket", payload)

    @acknowledge_ticket.validator
    def _acknowledge_ticket_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("acknowledge_ticket", payload)

    @workflow.update(description="The customer was told the time again, 30 minutes before")
    async def record_final_notice(self, payload: RawValue = NOTHING) -> Answer:
        """The customer was told the time again, 30 minutes before."""
        return await self._updated("record_final_notice", payload)

    @record_final_notice.validator
    def _record_final_notice_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("record_final_notice", payload)

    @workflow.update(description="The crew at the meter asks whether it may cut")
    async def request_permit(self, payload: RawValue = NOTHING) -> Answer:
        """The crew at the meter asks whether it may cut."""
        return await self._permit_requested(payload)

    @request_permit.validator
    def _request_permit_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("request_permit", payload)

    @workflow.update(description="Supply was cut")
    async def report_cut(self, payload: RawValue = NOTHING) -> Answer:
        """Supply was cut."""
        return await self._updated("report_cut", payload)

    @report_cut.validator
    def _report_cut_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("report_cut", payload)

    @workflow.update(description="The crew left without cutting")
    async def report_not_cut(self, payload: RawValue = NOTHING) -> Answer:
        """The crew left without cutting."""
        return await self._updated("report_not_cut", payload)

    @report_not_cut.validator
    def _report_not_cut_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("report_not_cut", payload)

    @workflow.update(description="The crew is unsure of the meter")
    async def report_meter_uncertain(self, payload: RawValue = NOTHING) -> Answer:
        """The crew is unsure of the meter."""
        return await self._updated("report_meter_uncertain", payload)

    @report_meter_uncertain.validator
    def _report_meter_uncertain_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("report_meter_uncertain", payload)

    @workflow.update(description="The reader says whether it is the right meter")
    async def verify_meter(self, payload: RawValue = NOTHING) -> Answer:
        """The reader says whether it is the right meter."""
        return await self._updated("verify_meter", payload)

    @verify_meter.validator
    def _verify_meter_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("verify_meter", payload)

    @workflow.update(description="A customer asks for supply through 95598 or the counter")
    async def request_restoration(self, payload: RawValue = NOTHING) -> Answer:
        """A customer asks for supply through 95598 or the counter."""
        return await self._restoration_requested(payload)

    @request_restoration.validator
    def _request_restoration_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("request_restoration", payload)

    @workflow.update(description="Supply is back")
    async def report_restored(self, payload: RawValue = NOTHING) -> Answer:
        """Supply is back."""
        return await self._updated("report_restored", payload)

    @report_restored.validator
    def _report_restored_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("report_restored", payload)

    @workflow.update(description="Restoration will exceed 24 hours; customer and leader were told")
    async def declare_delay(self, payload: RawValue = NOTHING) -> Answer:
        """Restoration will exceed 24 hours; customer and leader were told."""
        return await self._updated("declare_delay", payload)

    @declare_delay.validator
    def _declare_delay_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("declare_delay", payload)

    @workflow.update(description="The customer promises an amount by a date")
    async def record_promise(self, payload: RawValue = NOTHING) -> Answer:
        """The customer promises an amount by a date."""
        return await self._updated("record_promise", payload)

    @record_promise.validator
    def _record_promise_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("record_promise", payload)

    @workflow.update(description="Instalments are agreed")
    async def agree_plan(self, payload: RawValue = NOTHING) -> Answer:
        """Instalments are agreed."""
        return await self._updated("agree_plan", payload)

    @agree_plan.validator
    def _agree_plan_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("agree_plan", payload)

    @workflow.update(description="Give up this attempt and plan a new time")
    async def serve_again(self, payload: RawValue = NOTHING) -> Answer:
        """Give up this attempt and plan a new time."""
        return await self._updated("serve_again", payload)

    @serve_again.validator
    def _serve_again_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("serve_again", payload)

    @workflow.update(description="Another reader, team leader or field unit takes over")
    async def reassign(self, payload: RawValue = NOTHING) -> Answer:
        """Another reader, team leader or field unit takes over."""
        return await self._updated("reassign", payload)

    @reassign.validator
    def _reassign_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("reassign", payload)

    @workflow.update(description="The case goes on under another policy; no deadline moves forward")
    async def change_policy(self, payload: RawValue = NOTHING) -> Answer:
        """The case goes on under another policy; no deadline moves forward."""
        return await self._updated("change_policy", payload)

    @change_policy.validator
    def _change_policy_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("change_policy", payload)

    @workflow.update(description="An incident has its outcome")
    async def close_incident(self, payload: RawValue = NOTHING) -> Answer:
        """An incident has its outcome."""
        return await self._updated("close_incident", payload)

    @close_incident.validator
    def _close_incident_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("close_incident", payload)

    @workflow.update(description="End the case without a cut, or restore if cut")
    async def withdraw(self, payload: RawValue = NOTHING) -> Answer:
        """End the case without a cut, or restore if cut."""
        return await self._updated("withdraw", payload)

    @withdraw.validator
    def _withdraw_form(self, payload: RawValue = NOTHING) -> None:
        self._check_form("withdraw", payload)

    # ---- queries -------------------------------------------------------------------------------

    @workflow.query(description="Where the case stands, and whose message is awaited")
    def snapshot(self) -> Answer:
        """The whole case as of its last wake-up."""
        if not self.held.is_open:
            return {
                "stage": "yellow_notice",
                "opened": False,
                "reason": self._not_opened or "the account is being looked up",
            }
        return views.snapshot(self.facts, workflow.now())

    @workflow.query(description="Every condition for a cut that is not met")
    def why_not_cut(self) -> list[Answer]:
        """As of the last wake-up; empty means that only billing's answer at the permit remains."""
        if not self.held.is_open:
            return [
                Condition(rule="R-02", clause="II.0", text_zh="尚未立案", text_en="the case is not open").model_dump()
            ]
        return [c.model_dump() for c in why_not_cut(self.facts, workflow.now())]


def _answer_key(name: str, message: Contract) -> str:
    """The business key, or Temporal's update id where a message has none."""
    key = business_key(name, message)
    if key is not None:
        return key
    info = workflow.current_update_info()
    return f"update/{info.id}" if info else name


def _failure(refusal: Refused) -> ApplicationError:
    return ApplicationError(str(refusal), refusal.details, type=refusal.type, non_retryable=True)
