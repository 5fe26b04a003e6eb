"""The policy: every number of the procedure as data, checked on load, frozen into a case when it opens."""

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from domain.law.calendar import Season
from domain.vocabulary import CENT, Contract, CustomerClass, Id, Money, Role

DEFAULT_PACK = "reading-centre"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
CUSTOMER_CLASSES: tuple[CustomerClass, ...] = get_args(CustomerClass)
SHORTEST_GAP = 14
"""Days in a row that the seasons of a policy must leave: each day of the week twice, or no cut could be planned."""

LEADERS: tuple[Role, ...] = ("team_leader", "station_head", "centre_director", "company_leader")
_RATE = re.compile(r"[0-9](\.[0-9]{1,6})?", re.ASCII)
_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _known_zone(name: str) -> str:
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'"{name}" is no time zone known here; write one such as "Asia/Shanghai"') from None
    return name


@lru_cache(maxsize=64)
def _longest_gap(seasons: tuple[Season, ...]) -> int:
    """The most days in a row that no season covers, over a leap year and the next: a gap may run over the new year."""
    longest = gap = 0
    for n in range(2 * 366):
        covered = any(s.covers(date(2028, 1, 1) + timedelta(days=n)) for s in seasons)
        gap = 0 if covered else gap + 1
        longest = max(longest, gap)
    return longest


def _rate_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _RATE.fullmatch(value):
        return Decimal(value)
    raise ValueError('must be a decimal such as "0.001" (1 ‰ a day)')


def _lawful_rate(value: Decimal) -> Decimal:
    if not Decimal("0.001") <= value <= Decimal("0.003"):
        raise ValueError("must lie between 0.001 and 0.003 a day (1 ‰ to 3 ‰, 电力供应与使用条例 art. 39)")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _whole(at_least: int, at_most: int) -> Any:
    return Field(strict=True, ge=at_least, le=at_most)


def _clock_time(value: Any) -> Any:
    if isinstance(value, str) and _CLOCK_TIME.fullmatch(value):
        return value
    raise ValueError('must be a time of day in quotes such as "09:00"')


def _once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if repeated := {str(v) for v in values if values.count(v) > 1}:
        raise ValueError(f"names {', '.join(sorted(repeated))} more than once")
    return values


def _leaders_only(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    # III.4 wants the leaders' approval: whoever serves, cuts or answers the telephone is no approver.
    if others := [r for r in roles if r not in LEADERS]:
        raise ValueError(f"{', '.join(others)} cannot decide this; choose among {', '.join(LEADERS)}")
    return roles


Rate = Annotated[
    Decimal,
    BeforeValidator(_rate_text),
    AfterValidator(_lawful_rate),
    PlainSerializer(str, return_type=str, when_used="json"),
]
Sum = Annotated[Money, AfterValidator(_not_negative)]
ClockTime = Annotated[str, BeforeValidator(_clock_time)]
Flag = Annotated[bool, Field(strict=True)]
Leaders = Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(_once_each), AfterValidator(_leaders_only)]


class CutHours(Contract):
    """The hours of the day, local wall clock, in which a cut may be stated and done (R-21)."""

    start: ClockTime = "09:00"
    end: ClockTime = "16:00"

    @model_validator(mode="after")
    def _start_comes_first(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} must come before end {self.end}")
        return self


class AmountApproval(Contract):
    """Roles that approve besides, at `amount` of principal or more (R-13)."""

    amount: Sum
    roles: Leaders


class Approvals(Contract):
    """Who must approve a cut, by customer class and by principal (II.0, III.4)."""

    residential: Leaders = ("centre_director",)
    non_residential: Leaders = ("centre_director", "company_leader")
    from_amount: tuple[AmountApproval, ...] = (AmountApproval(amount=Decimal("50000.00"), roles=("company_leader",)),)


class LateFeePerDay(Contract):
    """Late fee per day of delay as a share of the principal; `minimum` is money, per bill.

    电力供应与使用条例 (2019) art. 39 sets 1 ‰ to 3 ‰ a day.
    """

    residential: Rate = Decimal("0.001")
    other_this_year: Rate = Decimal("0.002")
    other_carried_over: Rate = Decimal("0.003")
    minimum: Sum = Decimal("1.00")


class Policy(Contract):
    """The numbers of the procedure (procedure.md, table of policy). The defaults are the pack `reading-centre`.

    What the law fixes is a floor here: more than 30 days overdue before supply may stop (电力供应与使用条例 (2019)
    art. 39), notice three to seven days before and again 30 minutes before (河南省供用电条例 (2012) art. 45),
    restoration within 24 hours (III.3). Days are local days of `timezone`, hours and minutes are absolute.
    As a message it ignores unknown fields; `load_policy` of `domain.law.policy_file` refuses them.
    """

    name: Id = DEFAULT_PACK
    version: Id = "1"
    timezone: Annotated[Id, AfterValidator(_known_zone)] = "Asia/Shanghai"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"

    min_overdue_days: Annotated[int, _whole(30, 365)] = 30
    tolerance: Sum = Decimal("0.00")
    min_debt: Sum = Decimal("10.00")

    yellow_payment_days: Annotated[int, _whole(1, 60)] = 7
    delivery_allowance_days: Annotated[int, _whole(1, 60)] = 3
    red_notice_days: Annotated[int, _whole(3, 60)] = 7
    service_ack_hours: Annotated[int, _whole(1, 168)] = 24
    escalation_ladder: Leaders = ("team_leader", "centre_director")
    max_reissues: Annotated[int, _whole(0, 20)] = 3

    approvals: Approvals = Approvals()
    ticket_lead_hours: Annotated[int, _whole(24, 71)] = 24
    final_notice_minutes: Annotated[int, _whole(30, 60)] = 30
    billing_check_minutes: Annotated[int, _whole(1, 30)] = 30

    cut_hours: CutHours = CutHours()
    no_cut_weekdays: Annotated[tuple[Weekday, ...], AfterValidator(_once_each)] = ("fri", "sat", "sun")
    bar_holidays: Flag = True
    bar_eves: Flag = True
    protected_seasons: Annotated[tuple[Season, ...], Field(max_length=12)] = ()
    cut_window_hours: Annotated[int, _whole(1, 12)] = 2
    permit_minutes: Annotated[int, _whole(1, 120)] = 15

    restore_hours: Annotated[int, _whole(1, 24)] = 24
    restore_warnings_hours: tuple[Annotated[int, _whole(1, 24)], ...] = (12, 20)

    late_fee_per_day: LateFeePerDay = LateFeePerDay()
    late_fee_blocks: Flag = False

    max_promise_days: Annotated[int, _whole(1, 366)] = 30
    max_plan_days: Annotated[int, _whole(1, 3660)] = 366
    restore_on_plan: Flag = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.escalation_ladder[0] != "team_leader":
            raise ValueError("escalation_ladder: must begin with team_leader, whom a refusal reaches first (II.2)")
        if len(self.no_cut_weekdays) == len(WEEKDAYS):
            raise ValueError("no_cut_weekdays: bars every day of the week; leave at least one")
        for customer_class in CUSTOMER_CLASSES:
            if _longest_gap(self.seasons_for(customer_class)) < SHORTEST_GAP:
                raise ValueError(
                    f"protected_seasons: leave {customer_class} customers less than {SHORTEST_GAP} days in a row of the"
                    " year on which a cut is allowed; a policy that bars every day is none, hold the cases instead"
                )
        warnings = self.restore_warnings_hours
        if list(warnings) != sorted(set(warnings)):
            raise ValueError(f"restore_warnings_hours: {list(warnings)} must ascend")
        if warnings and warnings[-1] >= self.restore_hours:
            raise ValueError(
                f"restore_warnings_hours: {warnings[-1]} must lie below restore_hours {self.restore_hours}"
            )
        if self.billing_check_minutes != self.final_notice_minutes:
            # The case does both on one wake-up; a difference would be a check outside the last half-hour.
            raise ValueError(f"billing_check_minutes: must equal final_notice_minutes ({self.final_notice_minutes})")
        amounts = [step.amount for step in self.approvals.from_amount]
        if amounts != sorted(set(amounts)):
            raise ValueError("approvals.from_amount: the amounts must ascend")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The utility's time zone: legal days begin and end in it."""
        return _zone(self.timezone)

    @property
    def label(self) -> str:
        """Name and version, as it is written into the evidence."""
        return f"{self.name}@{self.version}"

    @property
    def may_stay_unpaid(self) -> Decimal:
        """The principal that may stay unpaid: the tolerance, or what lies under the least debt, if more (R-35)."""
        return max(self.tolerance, self.min_debt - CENT)

    @property
    def least_debt(self) -> Decimal:
        """The least principal for which there is a case: a cent more than may stay unpaid (R-35)."""
        return self.may_stay_unpaid + CENT

    def seasons_for(self, customer_class: CustomerClass) -> tuple[Season, ...]:
        """The seasons in which customers of that class are not cut off (R-21)."""
        return tuple(s for s in self.protected_seasons if customer_class in s.classes)

    def seasons_last(self, customer_class: CustomerClass) -> timedelta:
        """At most so long does a cut wait for the seasons of that class: so much further must a calendar reach."""
        return timedelta(days=sum(season.days for season in self.seasons_for(customer_class)))

    def approvals_for(self, customer_class: CustomerClass, principal: Decimal) -> tuple[Role, ...]:
        """Every role that must approve a cut for this principal; thresholds are inclusive (R-12, R-13)."""
        named = self.approvals.residential if customer_class == "residential" else self.approvals.non_residential
        added = (role for step in self.approvals.from_amount if principal >= step.amount for role in step.roles)
        return tuple(dict.fromkeys((*named, *added)))


@lru_cache(maxsize=64)
def _read_once(text: str) -> Policy:
    return Policy.model_validate_json(text)


PolicyKeptOnce = Annotated[Policy, AfterValidator(lambda policy: _read_once(policy.model_dump_json()))]
"""Thousands of cases in a worker's memory have the same policy, which never changes: they share one object."""
