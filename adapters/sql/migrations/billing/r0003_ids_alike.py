"""Each id has beside it its text without case, width, blanks and dashes, so that one id spelled twice is found."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from domain.ids import id_key

revision = "0003"
down_revision = "0002"

_PAGE = 10_000
_ID = sa.String().with_variant(sa.Text(collation="C"), "postgresql")
_COLUMNS = (
    ("customers", "account_id", {"account_alike": "account_id", "meter_alike": "meter_id"}),
    ("bills", "bill_id", {"alike": "bill_id"}),
    ("payments", "payment_id", {"alike": "payment_id"}),
)


def upgrade() -> None:
    """Add the columns, fill them page by page, then index them; a book made in between may have them already."""
    for name, key, columns in _COLUMNS:
        there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(name)}
        for column in columns:
            if column not in there:
                op.add_column(name, sa.Column(column, _ID))
        _fill(name, key, columns)
        for column in columns:
            op.create_index(f"ix_{name}_{column}", name, [column], if_not_exists=True)


def _fill(name: str, key: str, columns: dict[str, str]) -> None:
    table = sa.table(name, *(sa.column(c) for c in dict.fromkeys((key, *columns, *columns.values()))))
    values: dict[str, sa.BindParameter[str]] = {column: sa.bindparam(f"new_{column}") for column in columns}
    change = sa.update(table).where(table.c[key] == sa.bindparam("of")).values(values)
    after = ""
    while page := _page(table, key, after):
        changes = (
            {f"new_{c}": id_key(row[source]) for c, source in columns.items()} | {"of": row[key]} for row in page
        )
        op.get_bind().execute(change, list(changes))
        after = page[-1][key]


def _page(table: sa.TableClause, key: str, after: str) -> list[sa.RowMapping]:
    rows: Iterable[sa.RowMapping] = (
        op.get_bind()
        .execute(sa.select(table).where(table.c[key] > after).order_by(table.c[key]).limit(_PAGE))
        .mappings()
    )
    return list(rows)
