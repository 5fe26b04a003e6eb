"""The doctor's check of the letters: whose names or addresses hold letters that no font of the papers has."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from activities.register import RegisterUnavailable
from adapters.checkup.database import connected
from adapters.papers.letters import lettering, number
from adapters.register.tables import TABLES as REGISTER


@dataclass(frozen=True)
class LettersChecked:
    """What was found: how many customers were read, and the accounts and letters that papers can only number."""

    customers: int
    accounts: tuple[str, ...]
    letters: tuple[str, ...]


def check_letters(url: str, fonts: Path | None) -> LettersChecked:
    """Read the customers of the register's open cases. RegisterUnavailable: it does not answer."""
    cards, cases = REGISTER.tables["customer_cards"], REGISTER.tables["cases"]
    open_accounts = select(cases.c.account_id).where(cases.c.closed_at.is_(None))
    query = select(cards.c.account_id, cards.c.name, cards.c.address).where(cards.c.account_id.in_(open_accounts))
    customers, accounts, letters = 0, [], set[str]()
    with connected(url, RegisterUnavailable) as connection:
        for account, name, address in connection.execute(query.order_by(cards.c.account_id)):
            customers += 1
            if missing := lettering((name, address), fonts).missing:
                accounts.append(account)
                letters.update(missing)
    return LettersChecked(customers, tuple(accounts), tuple(number(letter) for letter in sorted(letters)))
