"""What a request for restoration is answered, once billing has been asked: a ticket, or what is still owing (R-22)."""

from decimal import Decimal

import pytest

from domain.case.facts import CaseFacts
from domain.case.rulings.restoring import request_restoration
from domain.contract.answers import RestorationAnswer, StillOwing
from domain.contract.updates import RequestRestoration
from domain.vocabulary import Actor
from tests.support.one_life import CUT, CUT_OFF, HOUR, MINUTE, OLD, YOUNG, T, debt, served, whats

HOTLINE = Actor(id="h-1", role="hotline")
REQUEST = RequestRestoration(request_id="q-1", source="hotline", actor=HOTLINE)
NOW = T + 4 * HOUR
TICKET = RestorationAnswer(ticket_id="restore-1")
RESTORED = CUT_OFF.model_copy(update={"restored_at": T + 3 * HOUR})
NEIGHBOUR = CUT.model_copy(update={"cut_id": "cut-2", "meter_id": "M-2", "restore_ticket": "restore-2"})


def owing(amount: str, late_fee: str) -> RestorationAnswer:
    return RestorationAnswer(still_owing=StillOwing(amount=Decimal(amount), late_fee=Decimal(late_fee)))


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        pytest.param(served(cuts=(CUT_OFF,)), TICKET, id="restoration is due"),
        pytest.param(served(cuts=(RESTORED,)), TICKET, id="restored while billing was asked"),
        pytest.param(served(cuts=(CUT,)), owing("200.00", "11.20"), id="nothing is paid: 56 days at 0.1 %"),
        pytest.param(
            served(cuts=(CUT,), debt=debt(("B-1", "200.00", OLD), ("B-2", "60.00", YOUNG))),
            owing("200.00", "11.20"),
            id="a bill for which nobody was cut off is not asked for",
        ),
        pytest.param(
            served(cuts=(CUT,), debt=debt(("B-1", "200.00", OLD), paid="150.00", read=T + HOUR)),
            owing("50.00", "11.05"),
            id="a part is paid: 150.00 owed for 55 days, 50.00 for 56",
        ),
        pytest.param(
            served(cuts=(CUT_OFF, NEIGHBOUR)), TICKET, id="the account's own meter is answered for before a later cut"
        ),
    ],
)
def test_a_request_is_answered_with_the_ticket_or_with_what_is_owed(case: CaseFacts, answer: RestorationAnswer) -> None:
    after, given = request_restoration(case, REQUEST, NOW)
    assert given == answer
    assert whats(case, after) == ["restoration.requested"]
    asked = after.journal[-1]
    assert (asked.about, asked.at, asked.detail["source"]) == ("q-1", NOW, "hotline")
    assert asked.detail["answer"] == ("ticket" if answer.ticket_id else "still_owing")


def test_a_request_changes_nothing_but_the_record() -> None:
    """R-24: money brings supply back, no request does."""
    case = served(cuts=(CUT,))
    after, _ = request_restoration(case, REQUEST, NOW + MINUTE)
    assert after.but(journal=case.journal, counters=case.counters) == case
