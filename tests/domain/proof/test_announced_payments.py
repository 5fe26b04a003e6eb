"""A proof judges permits by the payments that were announced and not booked (R-31), and P2 by the same."""

from datetime import datetime
from typing import Any

import pytest

from tests.domain.proof.test_rules import (
    CREW,
    CUT_TICKET,
    Step,
    Story,
    at,
    breached,
    clean,
    find,
    present,
    proof,
    put_after,
    put_before,
    step,
    t,
    without_rules,
)


def hint(moment: datetime, amount: str = "128.50", *, listed: str = "0.00") -> Step:
    said: Step = {"amount": amount, "channel": "bank", "named": "128.50", "listed": listed}
    return step("payment.hint", moment, about="WX", **said)


def unbooked(moment: datetime, about: str = "WX", *, given_up: bool = False) -> Step:
    return step("payment.unbooked", moment, about=about, amount="128.50", given_up=given_up)


def awaited_at_the_permit(left: str, *before: Step) -> Story:
    """A permit is granted while billing does not list so much of a payment that was announced."""
    story = present(clean())
    at_permit = max(i for i, s in enumerate(story) if s["what"] == "billing.checked")
    asked = {**story[at_permit], "detail": {**story[at_permit]["detail"], "unbooked": {"WX": left}}}
    return [*story[:at_permit], *before, asked, *story[at_permit + 1 :]]


@pytest.mark.parametrize(
    ("left", "verdict"), [("128.50", "breached"), ("118.51", "breached"), ("118.50", "met"), ("40.00", "met")]
)
def test_no_permit_while_an_announced_payment_that_would_settle_is_awaited(left: str, verdict: str) -> None:
    """A trifle may stay unpaid (R-35), and so 118.51 of 128.50 is enough."""
    story = awaited_at_the_permit(left, unbooked(t("11-02", "09:05")))
    assert proof(story)["R-31"].verdict == verdict
    assert breached(story) == ({"R-31", "P2"} if verdict == "breached" else set())
    assert proof(without_rules(story))["R-31"].verdict == "not_reached"
    assert breached(without_rules(story)) == set()


def given_up(count: int) -> Story:
    return [unbooked(t("10-30", f"1{n}:00"), f"WX-{n}", given_up=True) for n in range(count)]


def test_after_three_that_came_to_nothing_a_payment_holds_back_no_permit() -> None:
    late = unbooked(t("11-02", "09:05"))
    assert breached(awaited_at_the_permit("128.50", *given_up(2), late)) == {"R-31", "P2"}
    assert breached(awaited_at_the_permit("128.50", *given_up(3), late)) == set()


def test_what_came_to_nothing_before_the_rule_does_not_count() -> None:
    adopted = step("rules.adopted", t("11-02", "08:30"), rules="R-35")
    story = without_rules(awaited_at_the_permit("128.50", unbooked(t("11-02", "09:05"))))
    story = put_before(story, "half_hour.reached", *given_up(3), adopted)
    assert breached(story) == {"R-31", "P2"}


def revoked(moment: datetime, **detail: Any) -> Step:
    return step("permit.revoked", moment, about="p-1", reason="payment arrived", **detail)


def ended_after_a_hint(said: Step, ended: Step | None) -> Story:
    """The permit is open when the message comes; the crew leaves without a cut."""
    story = present(clean())
    story = [*story[: find(story, "cut.reported")], said, *([ended] if ended else [])]
    left = step("not_cut.reported", t("11-02", "09:20"), CREW, CUT_TICKET, reason="told to stop")
    return [*story, left]


def test_a_message_that_would_settle_ends_an_open_permit_at_once() -> None:
    now, later = t("11-02", "09:12"), t("11-02", "09:14")
    assert proof(ended_after_a_hint(hint(now), revoked(now)))["R-31"].verdict == "met"
    assert breached(ended_after_a_hint(hint(now), revoked(later))) == {"R-31", "P2"}
    assert breached(ended_after_a_hint(hint(now), None)) == {"R-31", "P2"}
    assert breached(without_rules(ended_after_a_hint(hint(now), None))) == set()


@pytest.mark.parametrize(("amount", "listed"), [("118.49", "0.00"), ("128.50", "128.50"), ("128.50", "60.00")])
def test_a_message_that_would_not_settle_leaves_the_permit(amount: str, listed: str) -> None:
    """Too little; or billing lists so much of it already."""
    story = ended_after_a_hint(hint(t("11-02", "09:12"), amount, listed=listed), None)
    assert proof(story)["R-31"].verdict == "not_reached"


def test_a_message_after_the_permit_ended_asks_for_nothing() -> None:
    story = put_after(present(clean()), "cut.reported", hint(t("11-02", "09:20")))
    assert breached(story) == set()


def test_a_permit_before_billing_has_spoken_of_an_announced_payment() -> None:
    """Neither listed nor found missing: nobody had asked."""
    told = hint(t("11-02", "09:05"))
    deaf = put_after(present(clean()), "customer.told", told)
    assert breached(deaf) == {"R-31", "P2"}
    for answer in (step("debt.read", t("11-02", "09:06"), owed="128.50"), unbooked(t("11-02", "09:06"))):
        heard = put_after(present(clean()), "customer.told", told, answer)
        assert breached(heard) == set()
        assert proof(heard)["R-31"].verdict == "met"


@pytest.mark.parametrize(("clock", "verdict"), [("09:12", "met"), ("09:13", "met"), ("09:14", "breached")])
def test_a_permit_ends_when_billing_is_silent_about_a_message(clock: str, verdict: str) -> None:
    silent = revoked(t("11-02", clock), unanswered_since=t("11-02", "09:12"))
    story = ended_after_a_hint(hint(t("11-02", "09:12"), "5.00"), silent)
    assert proof(story)["R-31"].verdict == verdict
    assert proof(without_rules(story))["R-31"].verdict == "not_reached"


def test_a_permit_that_lapsed_before_the_message_was_open_no_more() -> None:
    lapsed = step("permit.lapsed", t("11-02", "09:25"), about="p-1")
    story = present(clean())
    story = [*story[: find(story, "cut.reported")], hint(t("11-02", "09:26")), {**lapsed, **at(t("11-02", "09:27"))}]
    assert breached(story) == set()
