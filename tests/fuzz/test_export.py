"""No cell of a billing export stops the reading: its line is refused by its column, the others are kept (L9)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.ingest.columns import COLUMNS, Column, Kind
from edge.ingest.lines import FileRefused, ReadLine, open_export
from tests.fuzz.hostile import DIGITS, LONG_RUN

SHANGHAI = ZoneInfo("Asia/Shanghai")
FUZZED = settings(
    max_examples=5_000 if LONG_RUN else 150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

GOOD: dict[Kind, dict[str, str]] = {
    "customers": {
        "account_id": "1001",
        "name": "王伟",
        "address": "人民路1号",
        "phone": "13900000000",
        "email": "a@b.example",
        "preferred_channel": "短信",
        "customer_class": "居民",
        "important": "否",
        "meter_id": "M1",
        "reading_centre": "RC-03",
        "reader": "r-017",
        "team_leader": "t-002",
        "field_unit": "FU-1",
        "business_station": "BS-1",
        "region": "城东",
    },
    "bills": {
        "bill_id": "B1",
        "account_id": "1001",
        "period": "2026-09",
        "due_date": "2026-10-25",
        "amount": "128.50",
    },
    "payments": {
        "payment_id": "P1",
        "account_id": "1001",
        "bill_id": "B1",
        "amount": "-5.00",
        "paid_at": "2026-10-25 09:30:00",
        "channel": "营业厅",
        "reverses": "P0",
    },
}
_CONTROL = ("a\0b", "\x1b[2Ja", "a\x7f", "a\x85b")
_ID = (*_CONTROL, "a\u202eb", "a\tb", "x" * 65, DIGITS, "1.00001E+11", "x" * 5_000)
_TEXT = (*_CONTROL, "x" * 1_001)
_CHANNEL = (*_TEXT, "a\u202eb")
_AMOUNT = (
    *_CONTROL,
    DIGITS,
    "NaN",
    "Infinity",
    "-inf",
    "1e30",
    "0x10",
    "five",
    "1.001",
    "12,34",
    "--5",
    "٣",
    "[]",
    "{}",
)
_DATE = (*_CONTROL, DIGITS, "NaN", "soon", "-1", "0", "2026-02-30", "2026-13-01", "1999-12-31", "9999-12-31", "46320")
_PERIOD = (*_CONTROL, DIGITS, "NaN", "2026-13", "2026-00", "-1", "September")
_WORD = (*_CONTROL, DIGITS, "NaN", "maybe", "-1", "2", "[]")
WRONG: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("name", "address", "phone", "email"), _TEXT),
    "channel": _CHANNEL,
    "amount": _AMOUNT,
    "due_date": _DATE,
    "paid_at": _DATE,
    "period": _PERIOD,
    "customer_class": _WORD,
    "important": _WORD,
    "preferred_channel": _WORD,
}
WRONG_TYPES: tuple[Any, ...] = (True, False, [], ["x"], {}, {"a": 1})

EVERY_COLUMN = [pytest.param(kind, column, id=f"{kind}-{column.name}") for kind in COLUMNS for column in COLUMNS[kind]]


def wrong_cells(column: Column) -> tuple[str, ...]:
    empty = () if column.optional else ("", "   ")
    return WRONG.get(column.name, _ID) + empty


def read(path: Path, content: bytes) -> list[ReadLine]:
    path.write_bytes(content)
    export = open_export(path)
    if export is None:
        return []
    try:
        return list(export.read(SHANGHAI))
    finally:
        export.close()


def as_csv(kind: Kind, rows: Iterator[dict[str, str]], delimiter: str) -> str:
    lines = (delimiter.join(f'"{cell}"' for cell in row.values()) for row in rows)
    return "\n".join([delimiter.join(GOOD[kind]), *lines])


def between_good_lines(kind: Kind, wrong: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield GOOD[kind]
    for row in wrong:
        yield row
        yield GOOD[kind]


def assert_named(kind: Kind, column: Column, lines: list[ReadLine], wrong: int) -> None:
    """Every second line is wrong and says so by its column; those around it were kept."""
    assert len(lines) == 2 * wrong + 1
    for good in lines[::2]:
        assert good.row is not None, good.reason
    for bad in lines[1::2]:
        assert bad.row is None, bad.text[:100]
        assert column.name in bad.reason, (kind, bad.reason[:300])
        assert len(bad.reason) < 500, "a reason is a sentence, not the cell again"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(("kind", "column"), EVERY_COLUMN)
def test_every_column_of_a_csv_export(tmp_path: Path, kind: Kind, column: Column, encoding: str) -> None:
    wrong = [GOOD[kind] | {column.name: cell} for cell in wrong_cells(column)]
    for delimiter in ",\t;":
        rows = [row for row in wrong if delimiter not in row[column.name]]
        text = as_csv(kind, between_good_lines(kind, rows), delimiter)
        lines = read(tmp_path / "export.csv", text.encode(encoding))
        assert_named(kind, column, lines, len(rows))
        assert [line.number for line in lines] == list(range(2, 2 * len(rows) + 3))


@pytest.mark.parametrize(("kind", "column"), EVERY_COLUMN)
def test_every_member_of_a_json_line(tmp_path: Path, kind: Kind, column: Column) -> None:
    """Wrong types too, and half a surrogate pair, which only JSON can write down."""
    types = [t for t in WRONG_TYPES if not (isinstance(t, bool) and column.name == "important")]
    wrong: list[dict[str, Any]] = [
        GOOD[kind] | {column.name: value} for value in (*wrong_cells(column), *types, "a\ud800b")
    ]
    if not column.optional:
        wrong.append({name: cell for name, cell in GOOD[kind].items() if name != column.name})
        wrong.append(GOOD[kind] | {column.name: None})
    text = "\n".join(json.dumps(row) for row in between_good_lines(kind, wrong))
    assert_named(kind, column, read(tmp_path / "export.jsonl", text.encode()), len(wrong))


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "nope", "1e", "[" * 60_000, '{"a": ' * 9_000])
def test_what_is_no_json_costs_its_line(tmp_path: Path, token: str) -> None:
    good = json.dumps(GOOD["payments"])
    lines = read(tmp_path / "export.jsonl", f'{good}\n{{"payment_id": {token}}}\n{good}'.encode())
    assert [line.row is None for line in lines] == [False, True, False]
    assert lines[1].number == 2
    assert lines[1].reason


def test_a_cell_of_a_megabyte_costs_its_line(tmp_path: Path) -> None:
    for column in COLUMNS["payments"]:
        text = as_csv(
            "payments", between_good_lines("payments", [GOOD["payments"] | {column.name: "9" * 1_000_000}]), ","
        )
        lines = read(tmp_path / "export.csv", text.encode())
        assert [(line.number, line.row is None) for line in lines] == [(2, False), (3, True), (4, False)]
        assert "longer than 65536 bytes" in lines[1].reason


# ---- whatever comes ---------------------------------------------------------------------------

GARBAGE = st.lists(st.binary(max_size=300).map(lambda b: b.replace(b"\n", b" ")), min_size=1, max_size=8)


@FUZZED
@given(garbage=GARBAGE, kind=st.sampled_from(sorted(COLUMNS)))
def test_bytes_between_good_lines_cost_none_of_them(
    tmp_path_factory: pytest.TempPathFactory, garbage: list[bytes], kind: Kind
) -> None:
    """Stray quotation marks, other encodings, control characters: every good line is read, in order."""
    ascii_only = {name: cell if cell.isascii() else "x" for name, cell in GOOD[kind].items()} | (
        {"customer_class": "residential", "important": "no", "preferred_channel": "sms"} if kind == "customers" else {}
    )
    good = ",".join(ascii_only.values()).encode()
    content = [",".join(ascii_only).encode()]
    for stray in garbage:
        content += [good, stray]
    lines = read(tmp_path_factory.getbasetemp() / "garbage.csv", b"\n".join([*content, good]))
    assert sum(line.row is not None for line in lines) >= len(garbage) + 1
    assert all(line.row is not None or line.reason for line in lines)


@FUZZED
@given(content=st.binary(max_size=2_000) | st.text(max_size=500).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_any_file_is_read_or_refused_by_its_name(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.csv"
    try:
        lines = read(path, content)
    except FileRefused as refused:
        lines, said = [], str(refused)
    else:
        said = path.name
    assert path.name in said
    assert all(line.row is not None or line.reason for line in lines)
