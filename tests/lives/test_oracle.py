"""The oracle can fail: a true register is innocent, and each of these, with one thing doctored, is found guilty."""

import ast
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.lives.book import Book, Booked, Told, read
from tests.lives.life import Life, Step
from tests.lives.oracle import judge, reached
from tests.lives.procedure import play
from tests.lives.town import running_town

PROCEED: Step = {"do": "march"}
REFUSED: Step = {"do": "deliver", "kind": "standing", "outcome": "refused", "ago": 0, "by": "reader"}
CUT_AND_RESTORED: Life = {
    "customer": {
        "customer_class": "non_residential",
        "important": True,
        "amount": "200.00",
        "overdue_days": 40,
        "opened_by": "bill_overdue",
    },
    "steps": [PROCEED, PROCEED, REFUSED, *[PROCEED] * 30],
}
A_MOMENT, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Database = sqlite3.Connection
Row = dict[str, Any]


@dataclass(frozen=True)
class Files:
    """One account's register and billing book, and what was kept outside."""

    register: Path
    billing: Path
    account_id: str
    booked: tuple[Booked, ...]
    told: tuple[Told, ...]
    until: datetime

    def breaches(self) -> list[str]:
        """What the oracle says."""
        return [str(b) for b in judge(self.book())]

    def book(self) -> Book:
        """What the oracle reads."""
        return read(self.register, self.billing, self.account_id, self.booked, self.until, told=self.told)


@pytest.fixture(scope="module")
async def truth(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A non-residential, important customer who refused to sign, was cut, paid, and is restored."""
    folder = tmp_path_factory.mktemp("truth")
    async with running_town(folder) as town:
        lived = await play(town, CUT_AND_RESTORED, "A-true")
        assert lived.closed
    return Files(
        folder / "register.db", folder / "billing.db", "A-true", tuple(lived.booked), tuple(lived.told), lived.now
    )


@pytest.fixture
def copy(truth: Files, tmp_path: Path) -> Files:
    """The same, to be doctored."""
    register, billing = (Path(shutil.copy(f, tmp_path)) for f in (truth.register, truth.billing))
    with closing(sqlite3.connect(register)) as database, database:
        for trigger in ("evidence_no_update", "evidence_no_delete", "evidence_no_replace"):
            database.execute(f"DROP TRIGGER {trigger}")
    return replace(truth, register=register, billing=billing)


# ---- the doctors -------------------------------------------------------------------------------


def later(moment: str, by: timedelta) -> str:
    """That moment, as the database or the details spell it, so much later."""
    at = datetime.fromisoformat(moment) + by
    return at.isoformat() if "T" in moment else at.isoformat(sep=" ")


def find(database: Database, what: str, **detail: Any) -> Row:
    """The first line of evidence of that kind, with those details."""
    rows = database.execute("SELECT rowid, * FROM evidence WHERE what = ? ORDER BY seq", (what,))
    names = [c[0] for c in rows.description]
    for row in (dict(zip(names, r, strict=True)) for r in rows.fetchall()):
        row["detail"] = json.loads(row["detail"])
        if all(row["detail"].get(k) == v for k, v in detail.items()):
            return row
    raise AssertionError(f"no {what} {detail}")


def strike(what: str, **detail: Any) -> Callable[[Database], None]:
    """That line of evidence never was; those behind it close up."""

    def doctor(database: Database) -> None:
        database.execute("DELETE FROM evidence WHERE rowid = ?", (find(database, what, **detail)["rowid"],))

    return doctor


def move(what: str, by: timedelta, *columns: str, **detail: Any) -> Callable[[Database], None]:
    """That line says another time; a column that is none of the table's is a time in the details."""

    def doctor(database: Database) -> None:
        row = find(database, what, **detail)
        for column in columns:
            holder = row["detail"] if column in row["detail"] else row
            holder[column] = later(holder[column], by)
        _put(database, row)

    return doctor


def say(what: str, **changes: Any) -> Callable[[Database], None]:
    """That line says something else in its details."""

    def doctor(database: Database) -> None:
        row = find(database, what)
        row["detail"].update(changes)
        _put(database, row)

    return doctor


def _put(database: Database, row: Row) -> None:
    database.execute(
        "UPDATE evidence SET at = ?, recorded_at = ?, detail = ? WHERE rowid = ?",
        (row["at"], row["recorded_at"], json.dumps(row["detail"]), row["rowid"]),
    )


def instead(what: str, of: str, **detail: Any) -> Callable[[Database], None]:
    """A line of one kind is given as one of another: the chain stays whole."""

    def doctor(database: Database) -> None:
        row = find(database, of)
        database.execute(
            "UPDATE evidence SET what = ?, about = 'x', detail = ? WHERE rowid = ?",
            (what, json.dumps(detail), row["rowid"]),
        )

    return doctor


def sql(statement: str) -> Callable[[Database], None]:
    """One statement on the register."""

    def doctor(database: Database) -> None:
        assert database.execute(statement).rowcount, statement

    return doctor


def all_of(*doctors: Callable[[Database], None]) -> Callable[[Database], None]:
    """Several things at once."""

    def doctor(database: Database) -> None:
        for one in doctors:
            one(database)

    return doctor


DOCTORED: dict[str, tuple[str, Callable[[Database], None]]] = {
    "red_notice_six_days_before": ("P1 R-07", move("notice.served", 3 * DAY + HOUR, "delivered_at", kind="red")),
    "never_served_red": ("P1 R-06", strike("notice.served", kind="red")),
    "never_served_yellow": ("P1 R-06", strike("notice.served", kind="yellow")),
    "one_level_did_not_approve": ("P1 R-12", strike("approval.given", role="company_leader")),
    "approved_after_the_day_before": ("P1 R-12", move("approval.given", 9 * DAY, "recorded_at")),
    "not_filed": ("P1 R-14", strike("filing.recorded")),
    "ticket_never_acknowledged": ("P1 R-15", strike("ticket.acknowledged", kind="cut")),
    "not_told_again": ("P1 R-16", strike("customer.told")),
    "told_hours_before": ("P1 R-16", move("customer.told", -3 * HOUR, "told_at")),
    "billing_not_asked_at_the_permit": ("P1 R-17", strike("billing.checked", when="permit")),
    "billing_not_asked_in_the_half_hour": ("P1 R-17", strike("billing.checked", when="half_hour")),
    "billing_said_settled": ("P1 R-17", move("billing.checked", -HOUR, "recorded_at", when="half_hour")),
    "permit_for_another_meter": ("P1 R-18", say("permit.granted", meter_id="M-other")),
    "permit_for_an_hour": ("P1 R-18", move("permit.granted", HOUR, "valid_until")),
    "permit_before_the_window": ("P1 R-18", move("permit.granted", -HOUR, "recorded_at")),
    "cut_after_the_permit": ("P1 R-18", move("cut.reported", HOUR, "at")),
    "cut_on_a_friday": ("P1 R-21", sql("UPDATE notices SET cut_at = '2026-12-18 01:00:00.000000' WHERE kind = 'red'")),
    "cut_under_a_hold": ("P1 R-04", instead("hold.placed", "station_head.told", kind="hardship")),
    "cut_with_the_meter_in_doubt": ("R-27", say("cut.reported", lawful=False)),
    "refusal_that_nobody_read": ("R-09", strike("escalation.acknowledged", kind="refusal")),
    "station_head_not_told": ("R-10", sql("DELETE FROM messages WHERE to_role = 'station_head'")),
    "void_that_nobody_read": (
        "R-07",
        instead("notice.void", "station_head.told", reason="late", counted=True, kind="red"),
    ),
    "restored_after_thirty_hours": ("P3 R-25", move("supply.restored", 30 * HOUR, "at", "recorded_at")),
    "never_restored": ("P3", strike("supply.restored")),
    "no_restoration_ticket": ("P3 R-24", strike("ticket.sent", kind="restore")),
    "settled_at_another_time": ("P3 R-25", move("debt.settled", -5 * HOUR, "settled_at")),
    "cut_after_settlement": ("P2", move("debt.settled", -9 * DAY, "settled_at")),
    "ticket_two_days_before": ("R-15", move("ticket.sent", -DAY, "recorded_at", kind="cut")),
    "told_twice": (
        "R-30",
        sql(
            "INSERT INTO messages SELECT key || 'x', account_id, case_key, to_role, to_unit, to_person, subject,"
            " text_zh, text_en, about, at FROM messages WHERE to_role = 'field_crew' LIMIT 1"
        ),
    ),
    "settled_and_told_of_it_in_vain": (
        "P3 R-31",
        all_of(strike("debt.settled"), move("supply.restored", 2 * HOUR, "at", "recorded_at")),
    ),
    "his_own_cut_taken_for_unlawful": ("R-33", say("cut.reported", lawful=False)),
    "a_strangers_ticket_bears_his_name": ("R-34", sql("UPDATE tickets SET meter_id = 'M-else' WHERE kind = 'restore'")),
    "a_strangers_cut_is_no_cut_of_his": ("R-34", strike("cut.reported")),
    "a_change_that_never_was": ("R-32", instead("customer.changed", "station_head.told", fields=["phone"])),
    "a_name_in_the_evidence": ("R-32", say("notice.served", recipient="张三")),
    "a_promise_kept_by_nobody": (
        "R-04",
        all_of(
            instead("promise.made", "station_head.told", amount="200.00", until="2027-12-01"),
            instead("promise.kept", "escalation.raised"),
        ),
    ),
    "chain_broken": ("R-30", sql("UPDATE evidence SET hash = 'x' WHERE seq = 5")),
    "ticket_that_is_in_no_inbox": ("R-15", sql("DELETE FROM tickets WHERE kind = 'cut'")),
    "payment_counted_twice": ("R-01", sql("UPDATE cases SET owed = owed - 20000")),
    "closed_with_an_open_incident": (
        "R-28",
        sql(
            "INSERT INTO incidents SELECT 'i-1', account_id, case_key, 1, 'unauthorised_cut', opened_at, '[]', NULL,"
            " NULL FROM cases"
        ),
    ),
}


def test_the_truth_is_innocent(truth: Files) -> None:
    assert truth.breaches() == []
    assert {s for s, n in reached(truth.book()).items() if n} >= {
        "red served",
        "refused",
        "permit",
        "cut",
        "restored",
        "closed",
    }


@pytest.mark.parametrize("fault", DOCTORED)
def test_a_doctored_register_is_guilty(copy: Files, fault: str) -> None:
    rule, doctor = DOCTORED[fault]
    with closing(sqlite3.connect(copy.register)) as database, database:
        doctor(database)
    assert [b for b in copy.breaches() if b.startswith(rule)], copy.breaches()


def test_a_payment_that_billing_held_before_the_permit_is_found(copy: Files) -> None:
    """P2: the ledger kept outside says that the money was there a day before the cut."""
    early = replace(
        copy, booked=tuple(replace(b, not_before=b.not_before - DAY, known_by=b.known_by - DAY) for b in copy.booked)
    )
    assert [b for b in early.breaches() if b.startswith("P2")]


def test_a_step_done_again_after_the_server_gave_its_task_up_is_no_breach(copy: Files) -> None:
    """On a crowded machine: what the task had written stays in the chain, and the next one has a key of its own."""
    with closing(sqlite3.connect(copy.register)) as database, database:
        row = find(database, "billing.checked", when="half_hour")
        database.execute("UPDATE evidence SET seq = -seq - 1 WHERE seq >= ? AND account_id = ?", _place(row))
        database.execute("UPDATE evidence SET seq = -seq WHERE seq < 0")
        database.execute(
            "UPDATE evidence SET key = key || '~617ed4766075', prev_hash = 'given up' WHERE rowid = ?", (row["rowid"],)
        )
        given_up = row | {"hash": "given up", "detail": json.dumps({"answer": "no_answer", "when": "half_hour"})}
        del given_up["rowid"]
        names, marks = ", ".join(given_up), ", ".join("?" * len(given_up))
        database.execute(f"INSERT INTO evidence ({names}) VALUES ({marks})", tuple(given_up.values()))
    assert copy.breaches() == []


def _place(row: Row) -> tuple[int, str]:
    return row["seq"], row["account_id"]


@pytest.mark.parametrize(("begun", "innocent"), [(-2, True), (+2, True), (+30, False)])
def test_what_was_booked_while_billing_was_asked_may_be_in_its_answer(copy: Files, begun: int, innocent: bool) -> None:
    """Nobody outside knows better than: not before the booking began, and by its end. R-24 is judged by both."""
    settled = copy.book().all("debt.settled")[0].recorded_at
    racing = replace(
        copy,
        booked=tuple(
            replace(b, not_before=settled + begun * A_MOMENT, known_by=settled + MINUTE) if b.table == "payments" else b
            for b in copy.booked
        ),
    )
    assert (not [b for b in racing.breaches() if b.startswith("R-24")]) == innocent


def test_a_cut_for_a_trifle_is_found(copy: Files) -> None:
    """R-35: the book says that a cent less than what may stay unpaid was owed."""
    with closing(sqlite3.connect(copy.billing)) as database, database:
        database.execute("UPDATE bills SET amount = 999")
    assert [b for b in copy.breaches() if b.startswith("P1 R-35")]


@pytest.mark.parametrize("field", ["phone", "address", "meter_id", "customer_class", "reader"])
def test_a_record_that_was_not_read_again_is_found(copy: Files, field: str) -> None:
    """R-32: the ledger kept outside says that the record was another one when the case was opened."""
    with closing(sqlite3.connect(copy.billing)) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM customers WHERE account_id = ?", (copy.account_id,)).fetchone())
    red = copy.book().all("notice.issued", kind="red")[0].recorded_at
    before = row | {field: "former"}
    changed = replace(copy, booked=(*copy.booked, Booked(copy.account_id, red - DAY, red - DAY, "customers", before)))
    assert [b for b in changed.breaches() if b.startswith("R-32") and field in b]


def test_a_record_spelled_otherwise_has_not_changed(copy: Files) -> None:
    with closing(sqlite3.connect(copy.billing)) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM customers WHERE account_id = ?", (copy.account_id,)).fetchone())
    red = copy.book().all("notice.issued", kind="red")[0].recorded_at
    before = row | {"meter_id": f" {row['meter_id'].lower()}", "address": f"{row['address']}。"}
    spelled = replace(copy, booked=(*copy.booked, Booked(copy.account_id, red - DAY, red - DAY, "customers", before)))
    assert spelled.breaches() == []


def test_a_copy_that_is_not_heard_is_found(copy: Files) -> None:
    """R-31: a message comes while the permit is open, and its money had been booked."""
    book = copy.book()
    (grant,), (cut,) = book.all("permit.granted"), book.all("cut.reported")
    late = replace(
        copy,
        booked=tuple(
            replace(b, not_before=grant.recorded_at, known_by=grant.recorded_at) if b.table == "payments" else b
            for b in copy.booked
        ),
        told=(Told("payment_received", "P-again", grant.recorded_at + A_MOMENT, grant.recorded_at + A_MOMENT),),
    )
    with closing(sqlite3.connect(copy.register)) as database, database:
        move("cut.reported", 10 * MINUTE, "at", "recorded_at")(database)
    assert cut.n > grant.n
    assert [b for b in late.breaches() if b.startswith("P2 R-31")]


def test_a_bill_not_yet_thirty_days_overdue_is_found(copy: Files) -> None:
    """R-03: the book says another due date than the one the case went by."""
    with closing(sqlite3.connect(copy.billing)) as database, database:
        database.execute("UPDATE bills SET due_date = date(due_date, '+39 days')")
    assert [b for b in copy.breaches() if b.startswith("P1 R-03")]


def test_the_oracle_shares_no_code_with_a_case() -> None:
    """It imports neither the law of the domain, nor workflows, activities or the register's own reading."""
    folder = Path(__file__).parent
    judges = sorted(path.stem for path in folder.glob("judge_*.py"))
    for name in ("oracle", "law", "book", "record", *judges):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in nodes}
        ours = {str(n) for n in names if str(n).split(".")[0] in ("domain", "workflows", "activities", "adapters")}
        assert not ours
        allowed = ("", *(f".{judge}" for judge in ("law", "book", "record", *judges)))
        assert {n for n in names if str(n).startswith("tests")} <= {f"tests.lives{m}" for m in allowed}
