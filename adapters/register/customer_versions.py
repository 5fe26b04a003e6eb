"""What the personal half of a customer's record has said: each wording once, under a number that a case can carry.

The fields that changed are found by comparing the version that the case last took with what was read (R-32). So a read
that is repeated, lost or too late names the same fields again.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select, tuple_

from adapters.register.tables import TABLES
from adapters.sql.statements import insert_or_replace
from domain.customer import CardKept, CustomerCard, changed_fields

_CARDS, _VERSIONS = TABLES.tables["customer_cards"], TABLES.tables["customer_versions"]


class _Kept:
    """The versions of one account, by number, and those of them that stood before any was kept."""

    def __init__(self, connection: Connection, account_id: str) -> None:
        query = select(_VERSIONS).where(_VERSIONS.c.account_id == account_id).order_by(_VERSIONS.c.number)
        self.by_number: dict[int, CustomerCard] = {}
        self._stood: int | None = None
        for line in connection.execute(query).mappings():
            self.by_number[line["number"]] = CustomerCard.model_validate(line)
            if line["kept_at"] is None:
                self._stood = line["number"]

    def number_of(self, card: CustomerCard) -> int | None:
        """The number of the version that says the same."""
        return next((n for n, kept in self.by_number.items() if not changed_fields(kept, card)), None)

    def compared(self, card: CustomerCard, number: int, since: int | None) -> CardKept:
        """What differs from the version last taken, or from the card that stood before versions were kept.

        A register restored from a backup may lack the version: then the one before it was the last that is known.
        """
        if since is None:
            since = self._stood or min(self.by_number)
        last = max((n for n in self.by_number if n <= since), default=min(self.by_number))
        return CardKept(number, changed_fields(self.by_number[last], card))


def already_kept(connection: Connection, card: CustomerCard, since: int | None) -> CardKept | None:
    """The answer where nothing needs to be written: the card is the one last read, to the letter, and a version."""
    if _last_read(connection, card.account_id) != card:
        return None
    kept = _Kept(connection, card.account_id)
    number = kept.number_of(card)
    return None if number is None else kept.compared(card, number, since)


def keep(connection: Connection, card: CustomerCard, at: datetime | None, since: int | None) -> CardKept:
    """Keep the card as last read, and as a version unless one says the same; writers of one account queue for its row.

    The card that stands may be no version yet: a worker from before versions kept it.
    """
    stands = _last_read(connection, card.account_id, lock=True)
    connection.execute(insert_or_replace(connection, _CARDS), card.model_dump())
    if stands is not None:
        _number(connection, stands, None, since)
    number = _number(connection, card, at, since)
    return _Kept(connection, card.account_id).compared(card, number, since)


def _number(connection: Connection, card: CustomerCard, at: datetime | None, since: int | None) -> int:
    """The number of the version that says the same, or of a new one; no number that a case has taken is given again."""
    kept = _Kept(connection, card.account_id)
    number = kept.number_of(card)
    if number is None:
        number = max(*kept.by_number, since or 0, 0) + 1
        connection.execute(insert(_VERSIONS), [{**card.model_dump(), "number": number, "kept_at": at}])
    return number


def card(connection: Connection, account_id: str, number: int | None) -> CustomerCard | None:
    """The version of that number, else the card as last read, if there is one."""
    query = select(_VERSIONS).where(_VERSIONS.c.account_id == account_id, _VERSIONS.c.number == number)
    line = None if number is None else connection.execute(query).mappings().one_or_none()
    return CustomerCard.model_validate(line) if line else _last_read(connection, account_id)


def cards(connection: Connection, account_id: str) -> tuple[CustomerCard, ...]:
    """The card as last read, and every version, the latest first; each once."""
    versions = reversed(_Kept(connection, account_id).by_number.values())
    stands = _last_read(connection, account_id)
    return tuple(dict.fromkeys((*([stands] if stands else ()), *versions)))


def versions_taken(connection: Connection, taken: Mapping[str, int]) -> dict[str, CustomerCard]:
    """The version of that number of each account, as far as it is kept."""
    query = select(_VERSIONS).where(tuple_(_VERSIONS.c.account_id, _VERSIONS.c.number).in_(list(taken.items())))
    found = map(CustomerCard.model_validate, connection.execute(query).mappings())
    return {one.account_id: one for one in found}


def _last_read(connection: Connection, account_id: str, *, lock: bool = False) -> CustomerCard | None:
    query = select(_CARDS).where(_CARDS.c.account_id == account_id)
    line = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return CustomerCard.model_validate(line) if line else None
