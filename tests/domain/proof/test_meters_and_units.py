"""A proof compares meters and units in any spelling (R-33), and sees to another customer's meter (R-34)."""

from typing import Any

import pytest

from domain.proof.rules import prove
from domain.record.case_file import FiledTicket
from tests.domain.proof.test_rules import (
    CREW,
    CUT_TICKET,
    DIRECTOR,
    POLICY,
    READER,
    RESTORE,
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
    without,
    without_rules,
)

# ---- R-33 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "right"), [("M 9", True), ("ｍ－9", True), ("m_9", False), ("m-90", False)])
def test_a_permit_is_for_the_meter_of_its_ticket_in_any_spelling(typed: str, right: bool) -> None:
    story = changed(present(clean()), "permit.granted", meter_id=typed)
    assert ("R-33" in breached(story)) is not right
    assert ("R-18" in breached(story)) is not right
    assert proof(without_rules(story))["R-33"].verdict == "not_reached"


def test_a_meter_with_a_twin_is_compared_exactly() -> None:
    story = changed(present(clean()), "permit.granted", meter_id="M 9", meter_has_twin=True)
    assert breached(story) == {"R-33"}
    assert breached(changed(present(clean()), "permit.granted", meter_has_twin=True)) == set()


@pytest.mark.parametrize(("unit", "counts"), [("fu-1", True), ("Ｆ U 1", True), (None, True), ("FU-2", False)])
def test_supply_is_back_when_a_unit_that_holds_the_ticket_says_so(unit: str | None, counts: bool) -> None:
    story = changed(present(clean()), "supply.restored", None, {"actor_unit": unit})
    assert breached(story) == (set() if counts else {"R-33"})
    assert breached(without_rules(story)) == set()


def test_the_reader_restores_nothing() -> None:
    story = changed(present(clean()), "supply.restored", None, {"actor_role": "reader", "actor_id": "r-017"})
    assert breached(story) == {"R-33"}


HANDED_OVER: list[Any] = [
    step("ticket.amended", t("11-03", "09:00"), about=RESTORE, field_unit="FU-2", also_held_by=["FU-1"]),
    step("ticket.amended", t("11-03", "09:00"), about=RESTORE, field_unit="FU-3", also_held_by=["FU-1", "FU-2"]),
    step("reassigned", t("11-03", "09:00"), "team_leader t-1", role="field_unit", before="FU-1", to="FU-2"),
]


@pytest.mark.parametrize("handed", HANDED_OVER)
def test_who_holds_it_too_or_took_it_over_is_believed(handed: Any) -> None:
    story = changed(present(clean()), "supply.restored", None, {"actor_unit": "FU-2"})
    assert breached(put_before(story, "supply.restored", handed)) == set()


def reported_by_another(to_confirm: list[str] | None) -> Story:
    said = step("supply.reported", t("11-03", "10:00"), READER, RESTORE, counts=False, to_confirm=to_confirm)
    return put_before(present(clean()), "supply.restored", said)


def test_a_report_that_does_not_count_is_to_be_confirmed() -> None:
    assert proof(reported_by_another([RESTORE]))["R-33"].verdict == "met"
    assert breached(reported_by_another([])) == {"R-33"}
    assert breached(reported_by_another(None)) == {"R-33"}
    assert breached(without_rules(reported_by_another(None))) == set()


def test_a_report_under_an_unknown_ticket_concerns_whatever_is_awaited() -> None:
    story = changed(reported_by_another([]), "supply.reported", None, {"about": "no-such-ticket"})
    assert breached(story) == {"R-33"}
    late = changed(story, "supply.reported", None, {"at": t("11-03", "13:00"), "recorded_at": t("11-03", "13:00")})
    assert breached(late) == set(), "nothing was awaited any more"


# ---- R-34 -------------------------------------------------------------------------------------

OTHER_TICKET = "rt-n"


def neighbour(clock: str = "11:00", **found: Any) -> Story:
    """Another customer's meter is found cut off, and restored the same day."""
    moment, back = t("10-27", clock), t("10-27", "15:00")
    his: dict[str, Any] = {"neighbour": True, "meter_id": "m-77"}
    return [
        step("cut.found", moment, about="f-1", source="hotline", **(his | found)),
        step("incident.opened", moment, about="i-1", kind="wrong_meter"),
        step("meter.doubted", moment, about="cut-n", meter_id="m-77"),
        step("ticket.sent", moment, about=OTHER_TICKET, kind="restore", field_unit="FU-1", **his),
        step("paper.filed", moment, about=OTHER_TICKET, kind="restore", anothers_account="4004"),
        step("supply.restored", back, CREW, OTHER_TICKET, **his),
        step("incident.closed", back, DIRECTOR, "i-1", outcome="查明"),
    ]


VERIFIED = step("meter.verified", t("10-28"), READER, OTHER_TICKET, confirmed=True)


def with_neighbour(*after: Any, story: Story | None = None) -> Story:
    return put_before(present(clean()), "ticket.sent", *(story or neighbour()), *after)


def test_another_customers_meter_is_restored_and_ours_verified() -> None:
    lines = proof(with_neighbour(VERIFIED))
    assert lines["R-34"].verdict == "met"
    assert breached(with_neighbour(VERIFIED)) == {"R-27"}, "somebody was cut off without a permit"
    assert lines["R-02"].verdict == "met"


def test_no_permit_before_the_reader_has_seen_our_meter() -> None:
    assert breached(with_neighbour()) == {"R-19", "R-27", "R-34", "P1"}
    denied = {**VERIFIED, "detail": {"confirmed": False}}
    assert "R-34" in breached(with_neighbour(denied))
    by_crew = {**VERIFIED, "actor_role": "field_crew"}
    assert "R-34" in breached(with_neighbour(by_crew))


def test_a_case_of_before_the_rule_is_not_judged_by_it() -> None:
    story = without_rules(without(with_neighbour(), "meter.doubted"))
    assert proof(story)["R-34"].verdict == "not_reached"
    assert breached(story) == {"R-27"}


SPOILT: dict[str, Any] = {
    "no incident": lambda s: without(without(s, "incident.opened"), "incident.closed"),
    "no ticket": lambda s: without(s, "ticket.sent", OTHER_TICKET),
    "the paper names the debtor": lambda s: changed(s, "paper.filed", OTHER_TICKET, anothers_account="3001"),
    "the paper is the debtor's": lambda s: changed(s, "paper.filed", OTHER_TICKET, anothers_account=None),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_another_customer_is_owed(name: str) -> None:
    assert "R-34" in breached(SPOILT[name](with_neighbour(VERIFIED)))


@pytest.mark.parametrize(
    ("named", "verdict"), [("4004", "met"), ("户号待查 / account unknown", "met"), ("3001", "breached")]
)
def test_his_ticket_never_names_the_debtor(named: str, verdict: str) -> None:
    file = case_file(with_neighbour(VERIFIED))
    ticket = FiledTicket.model_validate(
        {
            "ticket_id": OTHER_TICKET,
            "account_id": "3001",
            "case_key": "run-1",
            "kind": "restore",
            "meter_id": "m-77",
            "field_unit": "FU-1",
            "sent_by": "r-017",
            "state": "done",
            "sent_at": t("10-27"),
            "due_at": t("10-28"),
            "text_zh": f"编号：{OTHER_TICKET}\n户号：{named}\n",
        }
    )
    file = file.model_copy(update={"tickets": (ticket,)})
    assert {line.rule: line.verdict for line in prove(file, POLICY)}["R-34"] == verdict


def test_an_open_permit_ends_with_the_report_of_anothers_meter() -> None:
    story = present(clean())
    now = t("11-02", "09:12")
    news = [{**s, "at": now, "recorded_at": now} for s in neighbour()[:5]]
    left = step("not_cut.reported", t("11-02", "09:20"), CREW, CUT_TICKET, reason="told to stop")
    start = story[: find(story, "cut.reported")]
    assert "R-34" in breached([*start, *news, left])
    revoked = step("permit.revoked", now, about="p-1", reason="another customer's meter was cut")
    assert "R-34" not in breached([*start, *news, revoked, left])


def test_our_own_meter_in_another_spelling_is_no_neighbours() -> None:
    assert "R-33" in breached(with_neighbour(VERIFIED, story=neighbour(meter_id="M 9")))
    assert "R-33" not in breached(with_neighbour(VERIFIED, story=neighbour(meter_id="M 9", meter_has_twin=True)))


def test_anothers_meter_taken_for_a_cut_of_this_case_is_a_breach() -> None:
    story = put_after(present(clean()), "case.closed", step("cut.found", t("11-04"), about="f", meter_id="m-77"))
    assert "R-34" in breached(story)
    ours = put_after(present(clean()), "case.closed", step("cut.found", t("11-04"), about="f", meter_id="Ｍ9"))
    assert "R-34" not in breached(ours)


def test_his_cut_is_not_in_the_row_of_this_case() -> None:
    story = present([*clean()[:5], *neighbour()])
    assert breached(story) == {"R-27"}
    for row in ({"cut_at": t("10-27")}, {"restored_at": t("10-27", "15:00")}, {"outcome": "restored"}):
        assert breached(story, **row) == {"R-27", "R-34"}
