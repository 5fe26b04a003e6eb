"""A month counted by hand: plain SQL on the register, written from the tables and sharing no code with the product."""

import math
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import create_engine, make_url, text


@dataclass(frozen=True)
class ByHand:
    """The register at `url`, counted for the month [begins, ends)."""

    url: str
    begins: datetime
    ends: datetime

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        url = make_url(self.url)
        if url.get_backend_name() == "postgresql":
            url, zone = url.set(drivername="postgresql+psycopg"), "+00"
        else:
            zone = ""
        begins, ends = (f"'{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}{zone}'" for at in (self.begins, self.ends))
        for word, meant in (
            ("@begin", begins),
            ("@end", ends),
            ("@inside", f"e.recorded_at >= {begins} AND e.recorded_at < {ends}"),
        ):
            sql = sql.replace(word, meant)
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(sql))]
        finally:
            engine.dispose()

    def _d(self, name: str, of: str = "e") -> str:
        """A text of an entry's detail."""
        if self.url.startswith("postgresql"):
            return f"(CAST({of}.detail AS json) ->> '{name}')"
        return f"json_extract({of}.detail, '$.{name}')"

    def _cents(self, name: str) -> str:
        return f"CAST(replace({self._d(name)}, '.', '') AS bigint)"

    def _true(self, name: str) -> str:
        return f"CAST({self._d(name)} AS text) IN ('1', 'true')"

    def _hours(self) -> str:
        since = self._d("since")
        if self.url.startswith("postgresql"):
            return f"extract(epoch FROM e.at - CAST({since} AS timestamptz)) / 3600.0"
        return f"(julianday(e.at) - julianday({since})) * 24.0"

    def _one(self, sql: str) -> int:
        return int(self._ask(sql)[0][0] or 0)

    def _by(self, sql: str) -> dict[Any, int]:
        return {row[0]: int(row[1]) for row in self._ask(sql)}

    def happened(self, what: str, more: str = "true") -> int:
        """How often that was recorded in the month."""
        return self._one(f"SELECT count(*) FROM evidence e WHERE e.what = '{what}' AND @inside AND {more}")

    def by_column(self, column: str, what: str, more: str = "true") -> dict[str, int]:
        """The same by a column of the case."""
        return self._by(
            f"SELECT c.{column}, count(*) FROM evidence e, cases c WHERE c.case_key = e.case_key"
            f" AND e.what = '{what}' AND @inside AND {more} GROUP BY 1"
        )

    # ---- cases and money -----------------------------------------------------------------------

    def outcomes(self) -> dict[str, int]:
        """Cases closed in the month, by what the case list says of them."""
        return self._by(
            "SELECT outcome, count(*) FROM cases WHERE closed_at >= @begin AND closed_at < @end GROUP BY outcome"
        )

    def open_now(self, by: str = "stage") -> dict[str, int]:
        """Open cases as the case list has them at this moment."""
        return self._by(f"SELECT {by}, count(*) FROM cases WHERE closed_at IS NULL GROUP BY 1")

    def stages_now(self) -> dict[str, dict[str, int]]:
        """Open cases by stage and class, likewise."""
        found: dict[str, dict[str, int]] = {}
        for stage, kind, count in self._ask(
            "SELECT stage, customer_class, count(*) FROM cases WHERE closed_at IS NULL GROUP BY 1, 2"
        ):
            found.setdefault(stage, {})[kind] = count
        return found

    def important_open_now(self) -> int:
        """Open cases of important customers, likewise."""
        return self._one("SELECT count(*) FROM cases WHERE closed_at IS NULL AND important")

    def owed_now(self) -> Decimal:
        """What open cases owe by the case list at this moment."""
        return Decimal(self._one("SELECT sum(owed) FROM cases WHERE closed_at IS NULL")) / 100

    def left(self) -> Decimal:
        """What was still owed where a case closed in the month."""
        return Decimal(self._one("SELECT sum(owed) FROM cases WHERE closed_at >= @begin AND closed_at < @end")) / 100

    def opened_with(self) -> Decimal:
        """What cases owed when they were opened in the month."""
        cents = self._cents("owed")
        return Decimal(self._one(f"SELECT sum({cents}) FROM evidence e WHERE e.what = 'case.opened' AND @inside")) / 100

    def moved(self, sign: str) -> Decimal:
        """Falls (`<`) or rises (`>`) from one answer of billing to the next, in the month."""
        cents = self._cents("owed")
        read = (
            f"SELECT e.recorded_at, {cents} AS owed, lag({cents}) OVER"
            " (PARTITION BY e.case_key ORDER BY e.recorded_at, e.place, e.seq) AS before"
            " FROM evidence e WHERE e.what IN ('case.opened', 'debt.read')"
        )
        found = self._one(
            f"SELECT sum(abs(owed - before)) FROM ({read}) e"
            f" WHERE @inside AND before IS NOT NULL AND owed {sign} before"
        )
        return Decimal(found) / 100

    # ---- notices, approvals, incidents ---------------------------------------------------------

    def notices(self, kind: str) -> dict[str, int]:
        """What became of the notices of that kind, by the words of the evidence itself."""
        of_kind, paid = f"{self._d('kind')} = '{kind}'", f"{self._d('reason')} = 'settled'"
        issued = "SELECT count(*) FROM notices e WHERE e.kind = '%s' AND e.issued_at >= @begin AND e.issued_at < @end"
        return {
            "issued": self._one(issued % kind),
            "delivered": self.happened("notice.served", of_kind),
            "refused": self.happened("notice.refused", of_kind),
            "void": self.happened("notice.void", f"{of_kind} AND NOT {paid}"),
            "paid": self.happened("notice.void", f"{of_kind} AND {paid}"),
        }

    def by_detail(self, what: str, name: str) -> dict[str, int]:
        """Evidence of the month by a word of its detail."""
        word = self._d(name)
        return self._by(f"SELECT {word}, count(*) FROM evidence e WHERE e.what = '{what}' AND @inside GROUP BY 1")

    def incidents_open_now(self) -> dict[str, int]:
        """Incidents without an outcome at this moment."""
        return self._by("SELECT kind, count(*) FROM incidents WHERE outcome IS NULL GROUP BY kind")

    def incidents_closed(self) -> dict[str, int]:
        """Incidents closed in the month."""
        return self._by(
            "SELECT kind, count(*) FROM incidents WHERE closed_at >= @begin AND closed_at < @end GROUP BY kind"
        )

    # ---- supply --------------------------------------------------------------------------------

    def cuts(self) -> int:
        """Permits redeemed by a cut: each names its ticket."""
        return self.happened("cut.reported", f"{self._true('lawful')} AND {self._d('ticket_id')} IS NOT NULL")

    def unauthorised(self) -> int:
        """A found cut that no cut or permit of ours explains, of a case that is open."""
        return self.happened("cut.found", f"{self._d('known')} IS NULL AND {self._d('unopened')} IS NULL")

    def without_supply_now(self) -> int:
        """Cases whose customer is without supply, by the case list at this moment."""
        return self._one("SELECT count(*) FROM cases WHERE supply_off AND closed_at IS NULL")

    def lights(self, *, lawful: bool) -> dict[str, int | None]:
        """Restorations of the month by hours. A cut and its restoration ticket carry the same number in the case."""
        ours = (
            "EXISTS (SELECT 1 FROM evidence x WHERE x.case_key = e.case_key AND x.what = 'cut.reported'"
            f" AND x.about = replace(e.about, '/restore-ticket/', '/cut/') AND {self._d('ticket_id', 'x')} IS NOT NULL)"
        )
        of = f"FROM evidence e WHERE e.what = 'supply.restored' AND @inside AND {'' if lawful else 'NOT '}{ours}"
        in_time = self._true("in_time")
        every = self._one(f"SELECT count(*) {of}")
        took = [
            (max(float(hours), 0.0), bool(timely))
            for hours, timely in self._ask(
                f"SELECT {self._hours()}, CASE WHEN {in_time} THEN 1 ELSE 0 END {of} AND {self._d('since')} IS NOT NULL"
            )
        ]
        hours = sorted(h for h, _ in took)
        within = [sum(h <= edge for h in hours) for edge in (0 - 1e-9, 4, 12, 20, 24)]
        steps = [within[n + 1] - within[n] for n in range(4)]
        late = [(h, timely) for h, timely in took if h > 24]

        def minutes(value: float) -> int:
            return math.ceil(round(value * 60, 3))  # julianday is good to a millisecond or so

        return {
            "restored": every,
            "before_due": every - len(took),
            **dict(zip(("within_4", "within_12", "within_20", "within_24"), steps, strict=True)),
            "exception": sum(timely for _, timely in late),
            "later": sum(not timely for _, timely in late),
            "median": minutes(statistics.median_low(hours)) if hours else None,
            "p90": minutes(hours[math.ceil(0.9 * len(hours)) - 1]) if hours else None,
            "longest": minutes(hours[-1]) if hours else None,
        }

    # ---- important customers -------------------------------------------------------------------

    def important(self) -> dict[str, tuple[int, int, int, int]]:
        """Filings, cuts, unauthorised cuts and restorations of important customers, where there was one of them."""
        filed = f"e.what = 'filing.recorded' AND {self._d('purpose')} = 'filing'"
        cut = f"e.what = 'cut.reported' AND {self._d('ticket_id')} IS NOT NULL"
        found = f"e.what = 'cut.found' AND {self._d('known')} IS NULL"
        counts = ", ".join(
            f"sum(CASE WHEN {this} THEN 1 ELSE 0 END)" for this in (filed, cut, found, "e.what = 'supply.restored'")
        )
        rows = self._ask(
            f"SELECT c.account_id, {counts} FROM evidence e, cases c WHERE c.case_key = e.case_key AND c.important"
            " AND @inside GROUP BY c.account_id"
        )
        return {row[0]: tuple(int(n) for n in row[1:]) for row in rows if any(row[1:])}  # type: ignore[misc]
