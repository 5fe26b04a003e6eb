"""The policy: the pack is the default, the impossible is refused by file and key, a case carries it whole."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.case.facts import CaseFacts
from domain.law.policy import Policy
from domain.law.policy_file import PolicyError, load_policy
from tests.support.one_life import BARRED, served

HEAD = 'name = "east"\nversion = "2026-11"\n'
TOO_LITTLE, TOO_MUCH = "greater than or equal to", "less than or equal to"


def policy_file(folder: Path, body: str, head: str = HEAD) -> str:
    path = folder / "east.toml"
    path.write_text(head + body, encoding="utf-8")
    return str(path)


def test_the_pack_says_what_the_code_takes_as_default() -> None:
    assert load_policy("reading-centre") == load_policy() == Policy()
    assert load_policy().label == "reading-centre@1"


def test_a_file_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    policy = load_policy(policy_file(tmp_path, "red_notice_days = 10\nmin_debt = 25.5\n[cut_hours]\nend = '15:30'\n"))
    assert policy.label == "east@2026-11"
    assert (policy.red_notice_days, policy.min_debt, policy.cut_hours.end) == (10, Decimal("25.50"), "15:30")
    assert policy.cut_hours.start == "09:00"
    assert policy.approvals == Policy().approvals


def test_a_case_carries_the_policy_whole_and_small() -> None:
    policy = load_policy().model_copy(update={"restore_warnings_hours": (6, 12, 18)})
    payload = policy.model_dump_json()
    assert Policy.model_validate_json(payload) == policy
    assert len(payload) < 1024


def test_a_field_of_a_later_version_does_not_stop_a_running_case() -> None:
    assert Policy.model_validate_json('{"name": "east", "version": "9", "field_of_tomorrow": 1}').label == "east@9"


def test_a_policy_in_force_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Policy().red_notice_days = 1


def test_the_zone_is_known_by_name_and_is_no_field() -> None:
    assert Policy().zone is ZoneInfo("Asia/Shanghai")
    assert "zone" not in Policy.model_fields


@pytest.mark.parametrize(
    ("body", "key", "what"),
    [
        pytest.param("min_overdu_days = 30", "min_overdu_days", "is no key", id="misspelt"),
        pytest.param('[approvals]\nresidental = ["centre_director"]', "approvals.residental", "is no key", id="nested"),
        pytest.param("min_overdue_days = 29", "min_overdue_days", TOO_LITTLE, id="statute_30_days"),
        pytest.param("red_notice_days = 2", "red_notice_days", TOO_LITTLE, id="statute_3_days"),
        pytest.param("red_notice_days = 7.0", "red_notice_days", "valid integer", id="no_fraction_of_a_day"),
        pytest.param('red_notice_days = "7"', "red_notice_days", "valid integer", id="text_for_a_number"),
        pytest.param("red_notice_days = true", "red_notice_days", "valid integer", id="flag_for_a_number"),
        pytest.param("yellow_payment_days = -1", "yellow_payment_days", TOO_LITTLE, id="negative_days"),
        pytest.param("max_promise_days = 100000", "max_promise_days", TOO_MUCH, id="absurd_days"),
        pytest.param("ticket_lead_hours = 23", "ticket_lead_hours", TOO_LITTLE, id="ticket_on_the_day_itself"),
        pytest.param("ticket_lead_hours = 72", "ticket_lead_hours", TOO_MUCH, id="ticket_before_the_red_notice"),
        pytest.param("final_notice_minutes = 29", "final_notice_minutes", TOO_LITTLE, id="told_too_late"),
        pytest.param("billing_check_minutes = 31", "billing_check_minutes", TOO_MUCH, id="checked_too_early"),
        pytest.param("billing_check_minutes = 20", "billing_check_minutes", "must equal", id="checked_apart"),
        pytest.param("restore_hours = 25", "restore_hours", TOO_MUCH, id="restored_too_late"),
        pytest.param("restore_hours = 20", "restore_warnings_hours", "below restore_hours", id="warned_too_late"),
        pytest.param("restore_warnings_hours = [20, 12]", "restore_warnings_hours", "ascend", id="warnings_descend"),
        pytest.param("restore_warnings_hours = [12, 12]", "restore_warnings_hours", "ascend", id="warned_twice"),
        pytest.param('[cut_hours]\nstart = "16:00"', "cut_hours", "before end", id="no_hour_to_cut"),
        pytest.param('[cut_hours]\nstart = "9:00"', "cut_hours.start", "time of day", id="bad_clock"),
        pytest.param('[cut_hours]\nend = "24:00"', "cut_hours.end", "time of day", id="no_such_clock"),
        pytest.param(
            'no_cut_weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]',
            "no_cut_weekdays",
            "every day",
            id="no_day_to_cut",
        ),
        pytest.param('no_cut_weekdays = ["friday"]', "no_cut_weekdays.0", "'fri'", id="unknown_weekday"),
        pytest.param('timezone = "Mars/Olympus"', "timezone", "no time zone", id="unknown_zone"),
        pytest.param('timezone = "Asia"', "timezone", "no time zone", id="half_a_zone"),
        pytest.param('timezone = "../../etc/passwd"', "timezone", "no time zone", id="zone_as_path"),
        pytest.param('currency = "元"', "currency", "pattern", id="currency_code"),
        pytest.param("escalation_ladder = []", "escalation_ladder", "at least 1", id="nobody_to_report_to"),
        pytest.param('escalation_ladder = ["boss"]', "escalation_ladder.0", "'team_leader'", id="unknown_rung"),
        pytest.param(
            'escalation_ladder = ["team_leader", "team_leader"]', "escalation_ladder", "more than once", id="rung_twice"
        ),
        pytest.param(
            'escalation_ladder = ["centre_director"]', "escalation_ladder", "team_leader", id="team_leader_left_out"
        ),
        pytest.param("[approvals]\nresidential = []", "approvals.residential", "at least 1", id="nobody_approves"),
        pytest.param(
            '[approvals]\nnon_residential = ["reader"]', "approvals.non_residential", "reader", id="reader_approves"
        ),
        pytest.param(
            '[[approvals.from_amount]]\namount = "5.00"\nroles = []',
            "approvals.from_amount.0.roles",
            "at least 1",
            id="nobody_added",
        ),
        pytest.param(
            '[[approvals.from_amount]]\namount = "9.00"\nroles = ["company_leader"]\n'
            '[[approvals.from_amount]]\namount = "5.00"\nroles = ["station_head"]',
            "approvals.from_amount",
            "ascend",
            id="amounts_descend",
        ),
        pytest.param("tolerance = nan", "tolerance", "decimal string", id="not_a_number"),
        pytest.param("min_debt = -1.0", "min_debt", "negative", id="negative_money"),
        pytest.param("min_debt = 1e400", "min_debt", "decimal string", id="huge_money"),
        pytest.param('[late_fee_per_day]\nresidential = "0.01"', "late_fee_per_day.residential", "3 ‰", id="usury"),
        pytest.param('late_fee_blocks = "no"', "late_fee_blocks", "boolean", id="text_for_a_flag"),
    ],
)
def test_what_cannot_be_true_is_refused_by_file_and_key(tmp_path: Path, body: str, key: str, what: str) -> None:
    path = policy_file(tmp_path, body)
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    line = next(line for line in str(refused.value).splitlines() if line.startswith(f"{path}: {key}: "))
    assert what in line


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "name: is missing", id="empty"),
        pytest.param(b'name = "x"\n', "version: is missing", id="no_version"),
        pytest.param(b'name = "x"\nversion = 1\n', "version: Input should be a valid string", id="version_is_text"),
        pytest.param(b"name = ", "is not TOML", id="broken"),
        pytest.param('name = "东"'.encode("gb18030"), "is not UTF-8", id="gb18030"),
    ],
)
def test_a_file_that_is_no_policy_says_why(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(PolicyError, match=what) as refused:
        load_policy(str(path))
    assert str(path) in str(refused.value)


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load_policy(str(path)).name == "east"


@pytest.mark.parametrize("name", ["no-such-pack", "no/such/file.toml", "", "a\0b", "policies"])
def test_an_unknown_policy_says_what_to_give_instead(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyError, match="path of a"):
        load_policy(name)


def test_the_names_of_the_packs_are_listed() -> None:
    with pytest.raises(PolicyError, match="reading-centre"):
        load_policy("reading-center")


@pytest.mark.parametrize(
    ("customer_class", "principal", "roles"),
    [
        pytest.param("residential", "49999.99", ("centre_director",), id="a_cent_below"),
        pytest.param("residential", "50000.00", ("centre_director", "company_leader"), id="threshold_is_inclusive"),
        pytest.param("non_residential", "1.00", ("centre_director", "company_leader"), id="non_residential"),
        pytest.param("non_residential", "50000.00", ("centre_director", "company_leader"), id="nobody_twice"),
    ],
)
def test_who_approves_depends_on_class_and_principal(
    customer_class: Any, principal: str, roles: tuple[str, ...]
) -> None:
    assert Policy().approvals_for(customer_class, Decimal(principal)) == roles


def test_cases_of_one_policy_hold_one_object_in_memory_and_those_of_another_their_own() -> None:
    """Ten kilobytes a case, of which a worker keeps thousands."""
    one, same = (CaseFacts.model_validate_json(served(calendar=BARRED).model_dump_json()) for _ in range(2))
    other = CaseFacts.model_validate_json(served(policy=Policy(name="other")).model_dump_json())
    assert one.policy is same.policy
    assert one.calendar.days[0] is same.calendar.days[0]
    assert other.policy == Policy(name="other")
