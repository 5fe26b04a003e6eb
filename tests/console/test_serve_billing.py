"""`serve-billing`: the book of our own as a billing system over HTTP, started by one command."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from adapters.billing.embedded import open_billing
from adapters.billing.over_http import open_http_billing
from domain.money.debt import DebtQuery
from tests.edge.commands.test_application import Cli, cli
from tests.support.billing_lines import NOON, bill, customer, paid
from tests.support.programs import ROOT

__all__ = ["cli"]  # the fixture

TOKEN = "a-token-for-a-trial"
ACCOUNTS = {"account_ids": ["1001", "9999"]}


def filled(folder: Path) -> str:
    """A book with one account that owes; its address."""
    url = f"sqlite:///{folder / 'billing.db'}"
    book = open_billing(url, "Asia/Shanghai")
    book.add_customers([customer("1001")])
    book.add_bills([bill("B-1")])
    book.add_payments([paid("P-1", "30.00")])
    book.close()
    return url


@asynccontextmanager
async def program(url: str, *arguments: str) -> AsyncIterator[str]:
    """The command as people run it; its address. It must end in order."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "starter.py"), "serve-billing", "--port", port, *arguments),
        env={"PATH": "/usr/bin:/bin", "ARREARS_BILLING_URL": url},
        stdout=PIPE,
        stderr=PIPE,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as http:
            for _ in range(300):
                try:
                    await http.get(address)
                    break
                except httpx.ConnectError:
                    assert process.returncode is None, "it ended"
                    await asyncio.sleep(0.1)
        yield address
        process.terminate()
        out, err = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, out) == (0, b""), err.decode()
    assert f"ARREARS_BILLING_URL={address}" in err.decode()
    assert TOKEN not in err.decode()


async def test_the_embedded_book_answers_over_http_whoever_asks(tmp_path: Path) -> None:
    async with program(filled(tmp_path)) as address:
        billing = open_http_billing(address, None, "Asia/Shanghai")
        (debt,) = await asyncio.to_thread(billing.debts, (DebtQuery(account_id="1001", as_of=NOON, bills=("B-1",)),))
        assert debt is not None
        assert [(b.bill_id, str(b.outstanding)) for b in debt.bills] == [("B-1", "70.00")]
        assert await asyncio.to_thread(billing.overdue_accounts, NOON, "", 500) == ("1001",)
        billing.close()
        async with httpx.AsyncClient(base_url=address) as http:
            known, unknown = (await http.post("/customers", json=ACCOUNTS)).json()["customers"]
            assert (known["status"], unknown) == ("known", {"account_id": "9999", "status": "unknown"})
            wrong = await http.post("/debts", json={"queries": [{"account_id": "1001", "as_of": "now", "bills": []}]})
            assert wrong.status_code == 400
            assert wrong.json()["message"].startswith("queries.0.as_of: must be a time")
            nowhere = await http.get("/")
            assert nowhere.status_code == 404
            assert "POST /debts" in nowhere.json()["message"]


async def test_with_a_token_only_who_knows_it_is_answered(tmp_path: Path) -> None:
    async with (
        program(filled(tmp_path), "--token", TOKEN) as address,
        httpx.AsyncClient(base_url=address) as http,
    ):
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}):
            refused = await http.post("/customers", json=ACCOUNTS, headers=headers)
            assert (refused.status_code, refused.json()) == (401, {"message": "the token is missing or wrong"})
        assert (await http.post("/customers", json=ACCOUNTS, headers={"Authorization": f"Bearer {TOKEN}"})).is_success


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        (("--host", "0.0.0.0"), {}, "give a --token"),
        (("--host", "billing.example"), {}, "give a --token"),
        ((), {"ARREARS_BILLING_URL": "http://mis.example/v1"}, "such as sqlite:///var/billing.db"),
    ],
)
async def test_what_it_is_not_for_is_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], settings: dict[str, str], says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    ended = await cli("serve-billing", *arguments, "--json")
    assert ended.code == 2
    assert says in ended.refusal["message"]
