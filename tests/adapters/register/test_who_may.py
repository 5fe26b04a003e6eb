"""The register's own check of who did what: an act of somebody who may not do it is kept as a claim, not counted."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from adapters.register.writing import SqlRegister, open_register
from domain.record.evidence import Evidence
from domain.record.kinds import EvidenceKind
from domain.record.who_may import ANYBODY, NOT_ADMITTED, WHO_MAY, contradiction
from domain.vocabulary import Role
from tests.support.register_reading import WholeRegister
from tests.support.register_records import ACCOUNT, CASE, case_row, evidence, record
from tests.support.world import CENTRE, PEOPLE

ROOT = Path(__file__).resolve().parents[3]
ROLES: tuple[str, ...] = get_args(Role)
HOME = case_row(reading_centre=CENTRE)


@pytest.fixture
def register(database_url: str) -> Iterator[SqlRegister]:
    engine = open_register(database_url)
    yield SqlRegister(engine)
    engine.dispose()


def act(what: str, role: str | None, n: int = 1, person: str | None = None, unit: str | None = None) -> Evidence:
    """Somebody's act, of the notice n-1."""
    changes: dict[str, Any] = {"rule": "R-18"} if what == "cut.reported" else {}
    actor = {"actor_id": (person or f"x-{role}") if role else None, "actor_role": role, "actor_unit": unit}
    return evidence(n, what, about="n-1", **actor, **changes)


def kept(register: SqlRegister, *entries: Evidence) -> list[str]:
    """What the register writes of these entries."""
    register.write(record(case=HOME, evidence=entries))
    assert WholeRegister(register.engine).verify(ACCOUNT).intact
    return [e.what for e in WholeRegister(register.engine).evidence(ACCOUNT)]


@pytest.mark.parametrize("what", [*WHO_MAY, "cut.reported"])
def test_every_act_has_roles_that_may_and_no_other_is_admitted(what: EvidenceKind) -> None:
    """G4, the second line: every act by every role, and by nobody."""
    may = WHO_MAY.get(what, {"field_crew"})
    assert may
    for role in ROLES:
        assert (contradiction(act(what, role), HOME) is None) == (role in may), role
    assert (contradiction(act(what, None), HOME) is None) == what.startswith("hold."), "a moratorium's has no person"


def test_what_may_not_be_does_not_get_into_the_register(register: SqlRegister) -> None:
    whats = [*WHO_MAY, "cut.reported"]
    assert kept(register, *(act(what, "hotline", n) for n, what in enumerate(whats, start=1))) == [
        what if "hotline" in WHO_MAY.get(what, ()) else NOT_ADMITTED for what in whats
    ]


def test_a_claim_keeps_who_made_it_and_why_it_does_not_count(register: SqlRegister) -> None:
    kept(register, act("approval.given", "reader"))
    [claim] = WholeRegister(register.engine).evidence(ACCOUNT)
    assert (claim.actor_id, claim.rule, claim.clause) == ("x-reader", "R-12", "III.4")
    assert claim.detail["claimed"] == "approval.given"
    assert "reader may not do this" in claim.detail["not_admitted"]


def test_who_delivered_a_notice_does_not_approve_it_in_the_register_either(register: SqlRegister) -> None:
    delivered = act("notice.delivered", "reader", 1, person="p-1")
    approved = act("approval.given", "centre_director", 2, person="p-1")
    assert kept(register, delivered, approved) == ["notice.delivered", NOT_ADMITTED]


def test_one_person_fills_one_level_in_the_register_too(register: SqlRegister) -> None:
    """Also when the two come in records of their own; another person's second level counts."""
    kept(register, act("approval.given", "centre_director", 1, person="p-1"))
    kept(register, act("approval.given", "company_leader", 2, person="p-1"))
    found = kept(register, act("approval.given", "company_leader", 3, person="p-2"))
    assert found == ["approval.given", NOT_ADMITTED, "approval.given"]


@pytest.mark.parametrize("typed", ["P-1", "ｐ１", "p\u20131", "p\u30001"])
def test_a_person_is_one_in_any_spelling_in_the_register_too(register: SqlRegister, typed: str) -> None:
    """R-33, R-12: SamePerson is not dodged by a capital letter; his centre is his in small letters."""
    kept(register, act("approval.given", "centre_director", 1, person="p-1", unit=CENTRE.lower()))
    assert kept(register, act("approval.given", "company_leader", 2, person=typed)) == ["approval.given", NOT_ADMITTED]


@pytest.mark.parametrize("role", ["reader", "team_leader", "centre_director"])
def test_people_of_another_centre_are_not_admitted(role: str) -> None:
    what = {"reader": "notice.delivered", "team_leader": "reassigned", "centre_director": "approval.given"}[role]
    assert contradiction(act(what, role, unit=CENTRE), HOME) is None
    assert contradiction(act(what, role), HOME) is None, "a unit left out is not checked"
    assert "belongs to" in (contradiction(act(what, role, unit="RC-99"), HOME) or "")
    assert contradiction(act(what, role, unit="RC-99"), case_row()) is None, "no centre is known"


def test_an_act_of_the_former_centre_is_admitted_in_the_record_that_takes_the_account_away(
    register: SqlRegister,
) -> None:
    """R-32: the record was read after his act, and both are written in one."""
    named = {"fields": ["reading_centre"], "before": {"reading_centre": "RC-99"}, "after": {"reading_centre": CENTRE}}
    early = act("notice.delivered", "reader", 1, unit="RC-99")
    assert kept(register, early, evidence(2, "customer.changed", detail=named)) == [
        "notice.delivered",
        "customer.changed",
    ]
    assert kept(register, act("notice.delivered", "reader", 3, unit="RC-99"))[-1] == NOT_ADMITTED


def test_the_rest_of_a_record_does_not_wait_for_a_claim(register: SqlRegister) -> None:
    """Above all not a restoration: everything else of the record is written as ever."""
    entries = (act("withdrawn", "hotline", 1), evidence(2, "ticket.sent"), act("supply.restored", "field_crew", 3))
    assert kept(register, *entries) == [NOT_ADMITTED, "ticket.sent", "supply.restored"]
    case = WholeRegister(register.engine).case_file(ACCOUNT, CASE)
    assert case is not None


def test_a_record_repeated_is_written_once(register: SqlRegister) -> None:
    for _ in range(2):
        found = kept(register, act("withdrawn", "hotline", 1), act("withdrawn", "centre_director", 2))
    assert found == [NOT_ADMITTED, "withdrawn"]


def test_everything_that_a_person_does_is_in_the_table() -> None:
    """A new kind of evidence with an actor must say who may, or that anybody may."""
    noted = set()
    for path in [*(ROOT / "domain").rglob("*.py"), *(ROOT / "workflows").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "noted":
                named = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
                if any(k.arg == "actor" for k in node.keywords):
                    noted.update(named)
    assert len(noted) > 20
    assert noted - ANYBODY <= WHO_MAY.keys()


def test_the_people_of_the_tests_may_do_what_they_do() -> None:
    assert {p["role"] for p in PEOPLE.values()} == set(ROLES)
