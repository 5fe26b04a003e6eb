"""Cases drawn for properties: what may stand, under policies of every kind, at any minute of a month."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from domain.law.calendar import BarredDay, Calendar, Season
from domain.law.policy import CutHours, Policy
from tests.support.one_life import (
    ACKNOWLEDGED,
    APPROVED,
    CUT,
    CUT_OFF,
    DAY,
    NOTIFIED,
    OPENED,
    PERMIT,
    PLAN,
    PROMISE,
    RED,
    RED_REFUSED,
    RED_SERVED,
    REFUSAL_REPORT,
    RESTORE,
    SENT,
    YELLOW,
    YELLOW_REFUSED,
    YELLOW_SERVED,
    T,
    account,
    facts,
)

WINTER = Season(name_zh="冬", name_en="winter", first="11-15", last="03-15")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEASONS = st.sampled_from([(), (WINTER,), (Season(name_zh="暑", name_en="heat", first="06-01", last="09-15"),)])
LEVELS = st.lists(st.sampled_from(["centre_director", "company_leader", "station_head"]), min_size=1, unique=True)


@st.composite
def policies(draw: st.DrawFn, name: str) -> Policy:
    whole = {"red_notice_days": (3, 15), "yellow_payment_days": (1, 20), "delivery_allowance_days": (1, 6)}
    whole |= {"min_overdue_days": (30, 70), "ticket_lead_hours": (24, 71), "cut_window_hours": (1, 4)}
    whole |= {"permit_minutes": (1, 60), "service_ack_hours": (1, 72), "max_reissues": (0, 4)}
    hours = draw(st.integers(1, 24))
    return Policy.model_validate(
        {
            "name": name,
            "restore_hours": hours,
            "restore_warnings_hours": sorted(draw(st.sets(st.integers(1, 23), max_size=3)) & set(range(1, hours))),
            "no_cut_weekdays": sorted(draw(st.sets(st.sampled_from(WEEK), max_size=5))),
            "bar_holidays": draw(st.booleans()),
            "protected_seasons": draw(SEASONS),
            "cut_hours": draw(
                st.sampled_from([CutHours(), CutHours(start="08:00", end="12:00"), CutHours(start="10:30")])
            ),
            "approvals": {"residential": draw(LEVELS), "non_residential": draw(LEVELS)},
            "tolerance": Decimal(draw(st.integers(0, 300))),
            "late_fee_blocks": draw(st.booleans()),
            "restore_on_plan": draw(st.booleans()),
            **{key: draw(st.integers(*limits)) for key, limits in whole.items()},
        }
    )


STANDING: list[dict[str, Any]] = [
    {},
    {"notices": (YELLOW,)},
    {"notices": (YELLOW_SERVED,)},
    {"notices": (YELLOW_REFUSED,), "escalations": (REFUSAL_REPORT.model_copy(update={"notice_id": "yellow-1"}),)},
    {"notices": (YELLOW_SERVED,), "promise": PROMISE},
    {"notices": (YELLOW_SERVED,), "plan": PLAN},
    {"notices": (YELLOW_SERVED, RED)},
    {"notices": (YELLOW_SERVED, RED_REFUSED), "escalations": (REFUSAL_REPORT,)},
    {"notices": (YELLOW_SERVED, RED_SERVED)},
    {"notices": (YELLOW_SERVED, RED_SERVED), "approvals": (APPROVED,)},
    {"notices": (YELLOW_SERVED, RED_SERVED), "approvals": (APPROVED,), "tickets": (SENT,)},
    {"notices": (YELLOW_SERVED, RED_SERVED), "approvals": (APPROVED,), "tickets": (ACKNOWLEDGED,)},
    {"notices": (YELLOW_SERVED, RED_SERVED), "approvals": (APPROVED,), "tickets": (NOTIFIED,), "permits": (PERMIT,)},
    {"notices": (YELLOW_SERVED, RED_SERVED), "approvals": (APPROVED,), "tickets": (NOTIFIED,)},
    {"cuts": (CUT,)},
    {"cuts": (CUT,), "plan": PLAN},
    {"cuts": (CUT_OFF,), "tickets": (RESTORE,)},
]
HOLIDAY = Calendar(days=(BarredDay(day=T.date(), kind="holiday"),))
CASES = st.builds(
    lambda number, policy, kind, calendar, looked: facts(
        **STANDING[number], policy=policy, account=account(customer_class=kind), calendar=calendar, looked_at=looked
    ),
    st.integers(0, len(STANDING) - 1),
    policies("old"),
    st.sampled_from(["residential", "non_residential"]),
    st.sampled_from([Calendar(), HOLIDAY]),
    st.sampled_from([OPENED, T - 3 * DAY, T - DAY]),
)
NOW = st.integers(0, 30 * 24 * 60).map(lambda minutes: OPENED + timedelta(minutes=minutes))
