"""An update that was answered before: who may hear the answer, and what is worked out afresh (R-31)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.case.checks import check_actor, known_notice
from domain.case.facts import CaseFacts
from domain.case.rulings.approvals import present_answer
from domain.contract import updates as m
from domain.contract.answers import ApprovalRecorded, DeliveryRecorded
from domain.contract.business_keys import content
from domain.contract.refusals import Refused
from domain.contract.tables import UPDATES
from domain.vocabulary import Contract, Role

Answer = dict[str, Any]


def _delivery_again(facts: CaseFacts, message: m.RecordDelivery, _now: datetime) -> tuple[CaseFacts, DeliveryRecorded]:
    """Whether the notice counts as served by now: its refusal may have been acknowledged, or it may be void."""
    check_actor(facts, message.actor, senders(facts, "record_delivery", message))
    notice = known_notice(facts, message.notice_id)
    if notice.state == "void":
        return facts, DeliveryRecorded(served=False, void_reason=notice.void_reason)
    return facts, DeliveryRecorded(served=notice.served_at is not None)


def _approval_again(facts: CaseFacts, message: m.DecideApproval, _now: datetime) -> tuple[CaseFacts, ApprovalRecorded]:
    """Who has yet to approve; whoever approved is not judged a second time."""
    notice = known_notice(facts, message.notice_id)
    check_actor(facts, message.actor, facts.required_approvals(notice))
    return facts, present_answer(facts, notice)


AGAIN: dict[str, Callable[[CaseFacts, Any, datetime], tuple[CaseFacts, Contract]]] = {
    "record_delivery": _delivery_again,
    "decide_approval": _approval_again,
}
"""The answer afresh, without the effect, for what has one; the other updates are judged as ever."""

_NOT_YET: dict[str, Callable[[CaseFacts, Answer], bool]] = {
    "record_delivery": lambda _, answer: not answer["served"] and "void_reason" not in answer,
    "decide_approval": lambda _, answer: bool(answer.get("still_needed")),
    "record_final_notice": lambda _, answer: not answer["told"],
    "request_permit": lambda _, answer: not answer["granted"],
    "request_restoration": lambda facts, answer: _supply_is_off_without(facts, answer.get("ticket_id")),
    "report_restored": lambda _, answer: answer.get("counted") is False,
}


def is_not_yet(facts: CaseFacts, name: str, answer: Answer) -> bool:
    """Whether the answer says "not yet": it is never repeated from memory."""
    return name in _NOT_YET and _NOT_YET[name](facts, answer)


def _supply_is_off_without(facts: CaseFacts, ticket_id: str | None) -> bool:
    """No ticket was given; or the one that was has restored an earlier cut, and supply is off again."""
    if ticket_id is None:
        return True
    return bool(facts.cuts_off) and all(cut.restore_ticket != ticket_id for cut in facts.cuts_off)


def senders(facts: CaseFacts, name: str, message: Contract) -> tuple[Role, ...]:
    """The roles that may send it; none where anybody may, or what it is about is not known."""
    if isinstance(message, m.AcknowledgeEscalation):
        return tuple(e.rung for e in facts.escalations if e.escalation_id == message.escalation_id)
    if isinstance(message, m.DecideApproval):
        notice = facts.notice(message.notice_id)
        return facts.required_approvals(notice) if notice else ()
    return UPDATES[name].roles


def known_content(facts: CaseFacts, message: Contract) -> dict[str, str]:
    """What a promise or plan of a case from before has said, as far as the facts know it; else nothing.

    Such a case kept the answer alone. Another promise under the same id would hear it, and would stop nothing.
    """
    promise, plan = facts.promise, facts.plan
    if isinstance(message, m.RecordPromise) and promise and promise.promise_id == message.promise_id:
        return content(message.model_copy(update={"amount": promise.amount, "until": promise.until}))
    if isinstance(message, m.AgreePlan) and plan and plan.plan_id == message.plan_id:
        return content(message.model_copy(update={"instalments": plan.instalments}))
    return {}


def used_for_another(name: str, field: str) -> Refused:
    """The refusal of a message whose id was used for another one."""
    sentence = f"{field}: this {name} was recorded already, and said something else"
    return Refused("BadRequest", sentence, field=field, rule="R-31")
