"""A proof says how long a customer had no supply after he owed nothing (R-25), and judges a cut for a trifle (R-35)."""

from datetime import datetime
from typing import Any

import pytest

from domain.proof.nothing_owed import without_supply
from tests.domain.proof.test_rules import (
    POLICY,
    Story,
    breached,
    case_file,
    changed,
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


def said(story: Story) -> list[tuple[int, str, str]]:
    return [(w.minutes, w.text_zh, w.text_en) for w in without_supply(case_file(story), POLICY)]


def settled_when(settled_at: datetime, learned: datetime) -> Story:
    """The bills were settled then, and the case learned of it later; restored four hours after that."""
    story = changed(clean(), "debt.settled", None, {"at": settled_at, "recorded_at": learned}, settled_at=settled_at)
    return put_after(story, "debt.settled", step("incident.opened", learned, about="i", kind="cut_after_settlement"))


def test_it_counts_from_the_payment() -> None:
    assert said(clean()) == [
        (
            240,
            "不再欠费后停电 4 小时 0 分：停电 2026-11-02 09:15，结清 2026-11-03 08:00，复电 2026-11-03 12:00。",
            "Without supply for 4 h 0 min after nothing was owed: cut 2026-11-02 09:15, settled 2026-11-03 08:00, "
            "restored 2026-11-03 12:00.",
        )
    ]


def test_it_counts_from_the_cut_where_he_had_paid_before() -> None:
    """Paid a day before the cut, restored the day after it: all that time he owed nothing."""
    ((minutes, _, text),) = said(settled_when(t("11-01", "10:00"), t("11-03", "08:00")))
    assert minutes == (26 * 60 + 45)
    assert "settled 2026-11-01 10:00" in text


def test_the_24_hours_run_from_the_learning_where_he_had_paid_before_the_cut() -> None:
    """R-25: supply came back within a day of that, and nothing is breached but that he was cut off (an incident)."""
    lines = proof(settled_when(t("11-01", "10:00"), t("11-03", "08:00")))
    assert (lines["R-25"].verdict, lines["R-26"].verdict, lines["P3"].verdict) == ("met", "not_reached", "met")


def test_it_is_said_too_where_that_was_learned_once_supply_was_back() -> None:
    early, learned = t("11-01", "10:00"), t("11-03", "20:00")
    late = step("debt.settled", learned, about="cut-1", bills=["b-1"], settled_at=early)
    incident = step("incident.opened", learned, about="i", kind="cut_after_settlement")
    story = put_before(clean(), "case.closed", late, incident)
    assert [minutes for minutes, _, _ in said(story)] == [26 * 60 + 45]


def test_it_is_said_while_he_is_still_without_supply() -> None:
    story = clean()[: find(clean(), "supply.restored")]
    ((minutes, chinese, english),) = said(story)
    assert minutes == 30
    assert "至今未复电" in chinese
    assert "not restored" in english


def test_who_still_owes_is_not_counted() -> None:
    story = clean()
    story[find(story, "debt.settled")] = step("plan.agreed", t("11-03", "08:00"), "team_leader t-1", "plan-1")
    assert said(story) == []


TRIFLES: list[Any] = [
    ("128.50", "met", set()),
    ("10.00", "met", set()),
    ("9.99", "breached", {"R-35", "P1"}),
    ("0.01", "breached", {"R-35", "P1"}),
    (None, "breached", {"R-35", "P1"}),
]


@pytest.mark.parametrize(("named", "verdict", "broken"), TRIFLES)
def test_no_cut_for_a_trifle(named: str | None, verdict: str, broken: set[str]) -> None:
    """R-35, P1: as billing's answer at the permit is on record; a permit of before the rule is not judged by it."""
    story = present(clean())
    i = max(n for n, s in enumerate(story) if s["what"] == "billing.checked" and s["detail"]["when"] == "permit")
    story[i] = {**story[i], "detail": {**story[i]["detail"], "named": named}}
    assert proof(story)["R-35"].verdict == verdict
    assert breached(story) == broken
    of_before = without_rules(story)
    assert proof(of_before)["R-35"].verdict == "not_reached"
    assert breached(of_before) == set()
