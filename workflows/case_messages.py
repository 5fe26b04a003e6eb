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
    from domain.case import before_opening, reported_meters, views
    from domain.case.checks import check_actor
    from domain.case.conditions import unmet_for_permit, why_not_cut
    from domain.case.facts import CaseFacts
    from domain.case.restoration import cut_to_answer_for
    from domain.case.rulings import SIGNAL_RULINGS, UPDATE_RULINGS, cutting, restoring
    from domain.case.rulings.asked_again import AGAIN, is_not_yet, known_content, senders, used_for_another
    from domain.case.rulings.policy import keeping_tolerance
    from domain.case.rulings.signals import ignored
    from domain.case.rulings.steering import passing_on
    from domain.contract import updates as m
    from domain.contract.answers import Condition
    from domain.contract.business_keys import business_key, content, field_that_differs, spelled_alike
    from domain.contract.refusals import RECORDED, Refused
    from domain.contract.signals import SupplyFoundCut
    from domain.contract.tables import SIGNALS, UPDATES
    from domain.vocabulary import Actor, Contract, has_unusual_blanks
    from workflows.case_desk import CaseDesk
    from workflows.handlers import Answer, signal, update
    from workflows.payloads import parse

Amendment = Callable[[CaseFacts, CaseFacts, datetime], CaseFacts]
AMENDMENTS: dict[str, tuple[str, Amendment]] = {
    "change_policy": ("keeps-its-tolerance", keeping_tolerance),
    "reassign": ("passed-on", passing_on),
}
"""Changes: what a later version adds to an update, given the case before the update and after it."""
_UPDATE_ID = "update id"
"""Beside the content of a message: Temporal's id of the update that was answered first."""


class CaseMessages(CaseDesk):
    """Every handler parses, judges by a pure ruling and replaces the facts; `ArrearsCase.run` does the work."""

    def __init__(self) -> None:
        super().__init__()
        self._early_signals: list[tuple[str, RawValue, datetime]] = []
        self._not_opened: str | None = None
        self._permit_lock = asyncio.Lock()

    # ---- opening -------------------------------------------------------------------------------

    def open_with(self, facts: CaseFacts, heard: int) -> None:
        """Open the case; signals that came meanwhile are judged in the order of their arrival.

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

    def signalled(self, name: str, raw: RawValue) -> None:
        """Judge a signal; before the case is open it is kept, with the time of its arrival."""
        if not self.held.is_open:
            self._early_signals.append((name, raw, workflow.now()))
            return
        self.wake_up()  # what time has brought about comes first
        if self._names_an_unknown_meter(name, raw):
            self.in_background(self._signalled_after_the_record(name, raw, workflow.now()))
        else:
            self.take(self._ruled_signal(self.facts, name, raw, workflow.now()))

    def _names_an_unknown_meter(self, name: str, raw: RawValue) -> bool:
        if name not in reported_meters.REPORTS:
            return False
        try:
            message = parse(SIGNALS[name].payload, raw)
        except Refused:
            return False
        return reported_meters.is_about_an_unknown_meter(self.facts, message, workflow.now())

    async def _signalled_after_the_record(self, name: str, raw: RawValue, arrived: datetime) -> None:
        """The customer's record may name that meter by now; without an answer in 15 s, the report is judged at once."""
        await self.billing.read_record()
        self.take(self.facts)  # what time has brought about meanwhile
        judged = self._ruled_signal(self.facts, name, raw, workflow.now(), arrived)
        self.take(reported_meters.counted_from_arrival(self.facts, judged, arrived))

    @staticmethod
    def _ruled_signal(
        facts: CaseFacts, name: str, raw: RawValue, now: datetime, arrived: datetime | None = None
    ) -> CaseFacts:
        """The facts after a signal; `arrived`: when it came, if that was before it is judged."""
        try:
            message = parse(SIGNALS[name].payload, raw)
            if arrived is not None:
                message = reported_meters.as_it_came(message, arrived)
            if facts.present_since is None and has_unusual_blanks(message):
                raise Refused("BadRequest", "must not contain control characters")
            return SIGNAL_RULINGS[name](facts, message, now)
        except Refused as refusal:
            return ignored(facts, now, name, str(refusal))

    def check_form(self, name: str, raw: RawValue) -> None:
        """Refusals of form come from the validator and leave no event."""
        try:
            parse(UPDATES[name].payload, raw)
        except Refused as refusal:
            raise _failure(refusal) from None

    async def updated(self, name: str, raw: RawValue) -> Answer:
        """Judge an update: a duplicate gets its first answer, a refusal leaves the case unchanged."""
        message = await self._open_and_parsed(name, raw)
        if (first := self._first_answer(name, message)) is not None:
            return first
        rulings = {**UPDATE_RULINGS, **AGAIN} if self._is_worked_out_afresh(name, message) else UPDATE_RULINGS
        arrived, judged = workflow.now(), await self._after_the_record(name, message)
        try:
            facts, answer = rulings[name](self.facts, judged, workflow.now())
        except Refused as refusal:
            raise self._refused(name, message, refusal) from None
        if workflow.now() > arrived:
            facts = reported_meters.counted_from_arrival(self.facts, facts, arrived)
        return self._accepted(name, message, self._amended(name, facts), answer)

    async def _after_the_record(self, name: str, message: Contract) -> Contract:
        """The message as it is to be judged: of a meter that the case does not know, after the record was read."""
        arrived = workflow.now()
        named = name in reported_meters.REPORTS | reported_meters.DOUBTS
        if not named or not reported_meters.is_about_an_unknown_meter(self.facts, message, arrived):
            return message
        if name in reported_meters.DOUBTS:
            self.in_background(self._read_the_record())
            return message
        await self.billing.read_record()
        self.take(self.facts)  # what time has brought about meanwhile
        return reported_meters.as_it_came(message, arrived)

    async def _read_the_record(self) -> None:
        await self.billing.read_record()
        self.take(self.facts)

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
        self.wake_up()  # what time has brought about comes first
        try:
            return parse(UPDATES[name].payload, raw)
        except Refused as refusal:  # the validator let it pass once; a stricter model replays it as a refusal
            raise _failure(refusal) from None

    def _first_answer(self, name: str, message: Contract) -> Answer | None:
        """The answer this message was given before; a sender who may not send it is refused as ever.

        None where it is to be judged: it is new, or its answer was "not yet", which is worked out afresh (R-31).
        """
        actor, present = getattr(message, "actor", None), self.facts.present_since is not None
        roles = senders(self.facts, name, message) if present else UPDATES[name].roles
        if roles and isinstance(actor, Actor):
            try:
                check_actor(self.facts, actor, roles)
            except Refused:
                return None
        answer = self._kept_answer(name, message)
        if answer is None or not present or business_key(name, message) is None:
            return answer
        kept = self.facts.contents.get(self._answer_key(name, message)) or known_content(self.facts, message)
        if kept.get(_UPDATE_ID) == _update_id():
            return answer
        if (field := field_that_differs(kept, spelled_alike(message))) is not None:
            raise self._refused(name, message, used_for_another(name, field))
        return None if is_not_yet(self.facts, name, answer) else answer

    def _is_worked_out_afresh(self, name: str, message: Contract) -> bool:
        return self.facts.present_since is not None and self._kept_answer(name, message) is not None

    def _kept_answer(self, name: str, message: Contract) -> Answer | None:
        kept = self.facts.answers
        answer: Answer | None = kept.get(self._answer_key(name, message), kept.get(_key_as_typed(name, message)))
        return answer

    def _accepted(self, name: str, message: Contract, facts: CaseFacts, answer: Contract) -> Answer:
        """Keep the answer. A "not yet" that is worked out afresh and is the same leaves nothing."""
        given, key = _payload(answer), self._answer_key(name, message)
        if self.facts.present_since is None:
            self.take(facts.but(answers={**facts.answers, key: given}))
            return given
        if self._kept_answer(name, message) != given:
            facts = facts.but(answers={**facts.answers, key: given})
            if business_key(name, message) is not None and key not in facts.contents:
                said = content(spelled_alike(message)) | {_UPDATE_ID: _update_id()}
                facts = facts.but(contents={**facts.contents, key: said})
            self.take(facts)
        return given

    def _answer_key(self, name: str, message: Contract) -> str:
        """Under which the answer is kept: one for every spelling of a meter or a person, where R-33 counts."""
        return _key_as_typed(name, spelled_alike(message) if self.facts.present_since else message)

    def _refused(self, name: str, message: Contract, refusal: Refused) -> ApplicationError:
        """Refusals of role, unit and person are recorded as evidence; the others leave nothing (III.4)."""
        if refusal.type in RECORDED:
            self.take(
                self.facts.noted(
                    workflow.now(),
                    "message.refused",
                    actor=getattr(message, "actor", None),
                    message=name,
                    type=refusal.type,
                    reason=str(refusal),
                )
            )
        return _failure(refusal)

    # ---- the two updates that ask billing ------------------------------------------------------

    async def _permit_requested(self, raw: RawValue) -> Answer:
        """One request at a time: ask billing, judge everything afresh on that moment's facts, answer (R-18)."""
        message: m.RequestPermit = await self._open_and_parsed("request_permit", raw)
        async with self._permit_lock:
            self.take(self.facts)
            try:
                check_actor(self.facts, message.actor, UPDATES["request_permit"].roles)
                if (held := cutting.permit_held_by(self.facts, message)) is not None:
                    return _payload(held)
                asked, answered = await self._billing_asked_for_the_permit(message)
                facts, answer = cutting.decide_permit(
                    self.facts, message, workflow.now(), asked=asked, answered=answered
                )
            except Refused as refusal:
                raise self._refused("request_permit", message, refusal) from None
            self.take(facts)
            return _payload(answer)

    async def _billing_asked_for_the_permit(self, message: m.RequestPermit) -> tuple[bool, bool]:
        """Whether billing was asked, and whether it answered: it is not asked where something else forbids the cut."""
        asked = not unmet_for_permit(self.facts, workflow.now(), message.ticket_id, message.meter_id, message.actor.id)
        answered = asked and await self.billing.read_circumstances(at_once=True)
        self.take(self.facts)
        return asked, answered

    async def _restoration_requested(self, raw: RawValue) -> Answer:
        """95598 or the counter asks: billing is asked, then the request is judged like any other (R-22)."""
        name = "request_restoration"
        message: m.RequestRestoration = await self._open_and_parsed(name, raw)
        if (first := self._first_answer(name, message)) is not None:
            return first
        try:
            check_actor(self.facts, message.actor, UPDATES[name].roles)
            if cut_to_answer_for(self.facts) is None:
                raise Refused("NotWaiting", "supply is not off in this case", rule="R-22", clause="III.1")
            await self._ask_unless_restoration_is_due()
            facts, answer = restoring.request_restoration(self.facts, message, workflow.now())
        except Refused as refusal:
            raise self._refused(name, message, refusal) from None
        return self._accepted(name, message, facts, answer)

    async def _ask_unless_restoration_is_due(self) -> None:
        """Ask billing what is owed; raises Refused(NoAnswer), and has it asked again, where the debt is not known."""
        cut, asked = cut_to_answer_for(self.facts), workflow.now()
        if cut is None or cut.restore_since is not None:
            return
        if await self.billing.read_circumstances(at_once=True, restoring=True):
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

    bill_overdue = signal("bill_overdue")
    payment_received = signal("payment_received")
    payment_reversed = signal("payment_reversed")
    recheck_requested = signal("recheck_requested")
    hold_placed = signal("hold_placed")
    hold_lifted = signal("hold_lifted")
    supply_found_cut = signal("supply_found_cut")

    @workflow.signal(dynamic=True, description="Anything else is noted and ignored")
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that the contract does not know leaves a note and nothing else."""
        del args
        if self.held.is_open:
            self.take(ignored(self.facts, workflow.now(), name[:128], "no such signal"))

    # ---- updates -------------------------------------------------------------------------------

    record_delivery = update("record_delivery")
    acknowledge_escalation = update("acknowledge_escalation")
    decide_approval = update("decide_approval")
    record_filing = update("record_filing")
    acknowledge_ticket = update("acknowledge_ticket")
    record_final_notice = update("record_final_notice")
    request_permit = update("request_permit", by=_permit_requested)
    report_cut = update("report_cut")
    report_not_cut = update("report_not_cut")
    report_meter_uncertain = update("report_meter_uncertain")
    verify_meter = update("verify_meter")
    request_restoration = update("request_restoration", by=_restoration_requested)
    report_restored = update("report_restored")
    declare_delay = update("declare_delay")
    record_promise = update("record_promise")
    agree_plan = update("agree_plan")
    serve_again = update("serve_again")
    reassign = update("reassign")
    change_policy = update("change_policy")
    close_incident = update("close_incident")
    withdraw = update("withdraw")

    # ---- queries -------------------------------------------------------------------------------

    @workflow.query(description="Where the case stands, and whose message is awaited")
    def snapshot(self) -> Answer:
        """The whole case as of its last wake-up."""
        if not self.held.is_open:
            return before_opening.snapshot(
                account_named_by(workflow.info().workflow_id),
                workflow.now(),
                self._not_opened or "the account is being looked up",
                never=self._not_opened is not None,
            )
        return views.snapshot(self.facts, workflow.now())

    @workflow.query(description="Every condition for a cut that is not met")
    def why_not_cut(self) -> list[Answer]:
        """As of the last wake-up; empty means that only billing's answer at the permit remains."""
        if not self.held.is_open:
            return [
                Condition(rule="R-02", clause="II.0", text_zh="尚未立案", text_en="the case is not open").model_dump()
            ]
        return [c.model_dump() for c in why_not_cut(self.facts, workflow.now())]


def account_named_by(workflow_id: str) -> str:
    """The account that a workflow's id names, as far as it could be one: anybody may start any id."""
    printable = "".join(c for c in workflow_id.removeprefix("arrears-") if c.isprintable())
    return printable.strip()[:128].strip() or "?"


def _key_as_typed(name: str, message: Contract) -> str:
    """The business key, or Temporal's update id where a message has none."""
    key = business_key(name, message)
    if key is not None:
        return key
    return f"update/{_update_id()}" if workflow.current_update_info() else name


def _update_id() -> str:
    info = workflow.current_update_info()
    return info.id if info else ""


def _payload(answer: Contract) -> Answer:
    payload: Answer = answer.model_dump(mode="json", exclude_none=True)
    return payload


def _failure(refusal: Refused) -> ApplicationError:
    return ApplicationError(str(refusal), refusal.details, type=refusal.type, non_retryable=True)
