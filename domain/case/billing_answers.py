"""What an answer of billing, or the circumstances that came with it, change in the facts."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.case.entities import Hold
from domain.case.facts import CaseFacts
from domain.case.hints import answered
from domain.case.settlement import shown_so_far
from domain.case.willingness import with_replaced_bills
from domain.law.circumstances import Circumstances
from domain.money.debt import AccountDebt, DebtQuery
from domain.record.subjects import subject

_REGISTER = "register"


def with_debt(facts: CaseFacts, query: DebtQuery, debt: AccountDebt, now: datetime, hints: int) -> CaseFacts:
    """Billing has answered. `hints` is how many had come when it was asked: later ones need another answer."""
    before = facts.debt
    announced = facts.announced if facts.hints > hints else Decimal("0.00")
    if facts.present_since:
        facts = facts.but(shown=shown_so_far(facts))
    facts = facts.but(
        debt=debt,
        debt_asked=query.bills,
        debt_read_at=query.as_of,
        hints_answered=max(hints, facts.hints_answered),
        announced=announced,
        heard=facts.heard if facts.hints > hints else (),
    )
    if facts.present_since:
        facts = with_replaced_bills(facts)
    facts = answered(facts)
    if debt.mark() == before.mark():
        return facts
    facts = facts.noted(now, "debt.read", at=debt.as_of, owed=debt.owed, late_fee=facts.late_fee(now), mark=debt.mark())
    paid = debt.paid_total - before.paid_total
    if paid > 0 and facts.in_arrears and not facts.cuts_off and not facts.held:
        facts = facts.but(offer_due=True)
        facts = facts.notified(
            now,
            "reader",
            subject("partial_payment"),
            f"户号 {facts.account.account_id} 已交 {paid} 元，尚欠 {debt.owed} 元，请与客户商定承诺或分期。",
            f"Account {facts.account.account_id} paid {paid} and still owes {debt.owed}: offer a promise or a plan.",
        )
    return facts


def with_circumstances(facts: CaseFacts, circumstances: Circumstances, asked: datetime, now: datetime) -> CaseFacts:
    """Calendar and moratoria as they were when `asked`: what the register lists, stands; what it lists no more, ends.

    An answer may come days after its question: an older one than the last changes nothing, and a hold lifted since
    does not stand again. A hold that the register lists ends when it is listed no more, and not before. A hold by
    signal ends too once the register has lifted it: the lifting may overtake a batch of signals. A hold that the
    register does not know at all is a person's, and that person lifts it.
    """
    if asked < facts.looked_at:
        return facts
    facts = facts.but(
        calendar=circumstances.calendar,
        looked_at=asked,
        look_answered_at=now,
        spreads_cuts=circumstances.spreads_cuts,
        slot=circumstances.slot or facts.slot,
        doubted={hold: at for hold, at in facts.doubted.items() if at > asked},
    )
    for moratorium in circumstances.moratoria:
        hold = next((h for h in facts.holds if h.hold_id == moratorium), None)
        if hold is not None and hold.stands:
            facts = facts if hold.listed else facts.with_hold(moratorium, listed=True, until=None)
            continue
        if hold is None:
            found = Hold(
                hold_id=moratorium,
                kind="moratorium",
                reason="moratorium",
                placed_by=_REGISTER,
                placed_at=now,
                listed=True,
            )
            facts = facts.but(holds=(*facts.holds, found))
        elif hold.ended_at is not None and hold.ended_at < asked:
            facts = facts.with_hold(moratorium, ended_at=None, listed=True, until=None)
        else:
            continue
        facts = facts.noted(now, "hold.placed", about=moratorium, kind="moratorium", source=_REGISTER)
    for hold in facts.standing_holds:
        unknown = not hold.listed and hold.hold_id not in circumstances.moratoria_over
        if not unknown and hold.hold_id not in circumstances.moratoria:
            facts = facts.with_hold(hold.hold_id, ended_at=now)
            facts = facts.noted(now, "hold.lifted", about=hold.hold_id, source=_REGISTER)
    return facts


def record_as_read(facts: CaseFacts, *, answered: bool) -> dict[str, Any]:
    """What `billing.checked` says of the customer's record that came with the answer (R-32): its number, when read."""
    if not answered or facts.present_since is None:
        return {}
    return {"record": facts.record_number, "record_read_at": facts.record_read_at}
