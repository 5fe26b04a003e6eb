"""Which months wait for their report (R-29): named cases, months being those of the utility's zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.report.due import LastReport, reports_due

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=ZONE)


def begins(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=ZONE)


def report(month: str, sent: bool = True) -> LastReport:
    made_at = datetime.fromisoformat(f"{month}-01T05:30:00+08:00") + timedelta(days=32)
    return LastReport(report_id=f"report/{month}", month=month, made_at=made_at, sent=sent)


@pytest.mark.parametrize(
    ("months", "to_make_since"),
    [
        (("2026-09", "2026-10"), None),
        (("2026-09",), begins(2026, 11)),
        (("2026-08", "2026-10"), begins(2026, 10)),
        (("2025-12",), begins(2026, 2)),
        (("2026-10", "2026-11"), None),
    ],
    ids=["all_made", "last_missing", "one_between", "since_last_year", "clock_behind"],
)
def test_a_month_waits_from_its_end_until_it_has_a_report(
    months: tuple[str, ...], to_make_since: datetime | None
) -> None:
    due = reports_due([report(month) for month in months], lambda _at: False, NOW, ZONE)
    assert due.to_make_since == to_make_since


@pytest.mark.parametrize(
    ("first_case_at", "to_make_since"),
    [
        (None, None),
        (begins(2026, 11), None),
        (begins(2026, 11) - timedelta(seconds=1), begins(2026, 11)),
        (begins(2026, 10) - timedelta(seconds=1), begins(2026, 10)),
        (begins(2026, 1), begins(2026, 10)),
    ],
    ids=["no_case", "this_month", "last_evening_of_october", "september", "long_ago"],
)
def test_where_none_was_ever_made_the_last_two_months_with_cases_wait(
    first_case_at: datetime | None, to_make_since: datetime | None
) -> None:
    """Never less than it was yesterday, so that whoever was woken by it does not read that all is well on the first."""
    due = reports_due([], lambda at: first_case_at is not None and first_case_at < at, NOW, ZONE)
    assert due.to_make_since == to_make_since


def test_a_report_waits_from_its_making_until_its_sending_is_on_record() -> None:
    made = [report("2026-08"), report("2026-09", sent=False), report("2026-10", sent=False)]
    assert reports_due(made, lambda _at: True, NOW, ZONE).to_send_since == made[1].made_at
    assert reports_due([report("2026-10")], lambda _at: True, NOW, ZONE).to_send_since is None
