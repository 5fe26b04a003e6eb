"""Signed billing events over HTTP: good ones reach their cases; all others are refused, and nothing comes of them."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from console.app import LARGEST_BODY, Doors, make_app
from console.signatures import NONCE, SIGNATURE, TIMESTAMP, sign
from tests.support.programs import ROOT, environment
from tests.support.world import Case, World, overdue_event

SECRET, NEWER = "5f0c" * 16, "a91e" * 16
_nonces = count(1)


@dataclass
class Sender:
    """The billing system: what it signs, when it thinks it is."""

    http: httpx.AsyncClient
    secret: str = SECRET
    ago: timedelta = timedelta()

    def request(self, *events: dict[str, Any], body: bytes | None = None) -> tuple[bytes, dict[str, str]]:
        """A body and its headers."""
        body = json.dumps({"events": events}).encode() if body is None else body
        seconds, nonce = int((datetime.now(UTC) - self.ago).timestamp()), f"nonce-{os.getpid()}-{next(_nonces)}"
        return body, {
            TIMESTAMP: str(seconds),
            NONCE: nonce,
            SIGNATURE: sign(self.secret, seconds, nonce, body),
        }

    async def send(self, *events: dict[str, Any]) -> httpx.Response:
        """Sign and send."""
        body, headers = self.request(*events)
        return await self.post(body, headers)

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Send as it is."""
        return await self.http.post("/events/billing", content=body, headers=headers)


@asynccontextmanager
async def door(world: World, secrets: str | None = SECRET) -> AsyncIterator[httpx.AsyncClient]:
    """The application, without a network between."""
    settings = world.settings.model_copy(update={"event_secret": SecretStr(secrets) if secrets else None})
    doors = Doors(settings, world.parts, lambda: _give(world.client))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(doors)), base_url="http://console") as http:
        yield http


async def _give(client: Any) -> Any:
    return client


@pytest.fixture
async def sender(world: World) -> AsyncIterator[Sender]:
    """A billing system that knows the secret."""
    async with door(world) as http:
        yield Sender(http)


def overdue(account: str) -> dict[str, Any]:
    """An event that opens a case."""
    return {"event": "bill_overdue", "account_id": account, "payload": overdue_event(account)}


async def owing(world: World) -> str:
    """An account with an overdue bill and no case."""
    account = await world.customer()
    await world.bill(account)
    return account


async def has_case(world: World, account: str) -> bool:
    """Whether the server knows any case of that account."""
    try:
        await world.client.get_workflow_handle(f"arrears-{account}").describe()
    except RPCError:
        return False
    return True


# ---- what comes of a good one ----------------------------------------------------------------------


async def test_a_signed_event_opens_a_case_and_another_joins_it(world: World, sender: Sender) -> None:
    account = await owing(world)
    first, second = await sender.send(overdue(account)), await sender.send(overdue(account))
    assert first.status_code == second.status_code == 200
    assert first.json()["results"] == [{"event": "bill_overdue", "account_id": account, "case": "opened"}]
    assert second.json()["results"][0]["case"] == "joined"
    case = Case(world, account, world.client.get_workflow_handle(f"arrears-{account}"))
    assert (await case.notice("yellow"))["state"] == "to_deliver"


async def test_a_signed_payment_makes_the_case_ask_billing(world: World, sender: Sender) -> None:
    case = await world.open()
    await case.notice("yellow")
    payment = await case.pay("200.00", reported=False)
    paid = {"event": "payment_received", "account_id": case.account_id}
    answer = await sender.send({**paid, "payload": {"payment_id": payment, "amount": "200.00"}})
    assert answer.json() == {"accepted": 1, "results": [{**paid, "case": "joined"}]}
    assert (await case.result())["outcome"] == "settled"


async def test_a_payment_of_an_account_without_a_case_is_no_error(world: World, sender: Sender) -> None:
    account = await world.customer()
    paid = {"event": "payment_received", "account_id": account}
    answer = await sender.send({**paid, "payload": {"payment_id": "P-none", "amount": "5.00"}})
    assert answer.json()["results"] == [{**paid, "case": "none"}]


async def test_a_secret_is_replaced_without_a_gap(world: World) -> None:
    async with door(world, f"{NEWER}, {SECRET}") as http:
        for secret in (SECRET, NEWER):
            assert (await Sender(http, secret).send(overdue(await owing(world)))).status_code == 200


# ---- G3: what is refused ---------------------------------------------------------------------------


def without(name: str) -> Any:
    """The signed request less one header."""
    return lambda body, headers: (body, {k: v for k, v in headers.items() if k != name})


def altered(name: str, change: Any) -> Any:
    """The signed request with one header changed afterwards."""
    return lambda body, headers: (body, {**headers, name: change(headers[name])})


GENUINE = "0" * 8 + "-another-nonce"
REFUSED: dict[str, tuple[str, int, Any]] = {
    "no signature": ("NotSigned", 401, without(SIGNATURE)),
    "no time": ("NotSigned", 401, without(TIMESTAMP)),
    "no nonce": ("NotSigned", 401, without(NONCE)),
    "nothing at all": ("NotSigned", 401, lambda body, _headers: (body, {})),
    "an empty signature": ("NotSigned", 401, altered(SIGNATURE, lambda _: "")),
    "one digit changed": ("BadSignature", 401, altered(SIGNATURE, lambda s: s[:-1] + ("0" if s[-1] != "0" else "1"))),
    "cut short": ("BadSignature", 401, altered(SIGNATURE, lambda s: s[:20])),
    "another version": ("BadSignature", 401, altered(SIGNATURE, lambda s: s.replace("v1=", "v0="))),
    "no letters of ours": ("BadSignature", 401, altered(SIGNATURE, lambda _: b"v1=\xe9")),
    "another time": ("BadSignature", 401, altered(TIMESTAMP, lambda s: str(int(s) + 1))),
    "time in words": ("BadSignature", 401, altered(TIMESTAMP, lambda _: "now")),
    "another nonce": ("BadSignature", 401, altered(NONCE, lambda _: GENUINE)),
    "a nonce too short": ("BadSignature", 401, altered(NONCE, lambda _: "1")),
    "another body": ("BadSignature", 401, lambda body, headers: (body.replace(b"200.00", b"900.00"), headers)),
    "a body with one more space": ("BadSignature", 401, lambda body, headers: (body + b" ", headers)),
    "oversize": ("TooLarge", 413, lambda body, headers: (body + b" " * LARGEST_BODY, headers)),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_request_that_is_not_as_it_was_signed_is_refused(world: World, sender: Sender, what: str) -> None:
    account = await owing(world)
    type_, status, change = REFUSED[what]
    answer = await sender.post(*change(*sender.request(overdue(account))))
    assert (answer.status_code, answer.json()["type"]) == (status, type_), answer.text
    assert len(answer.json()["message"]) > 10
    assert not await has_case(world, account)


async def test_a_body_whose_length_is_not_said_beforehand_is_refused_when_it_grows_too_large(sender: Sender) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1024 + 2):
            yield b" " * 1024

    answer = await sender.http.post("/events/billing", content=endless(), headers=sender.request()[1])
    assert (answer.status_code, answer.json()["type"]) == (413, "TooLarge")


@pytest.mark.parametrize("ago", [timedelta(minutes=5, seconds=2), timedelta(days=1), -timedelta(minutes=5, seconds=3)])
async def test_a_stale_request_is_refused(world: World, sender: Sender, ago: timedelta) -> None:
    account = await owing(world)
    answer = await Sender(sender.http, ago=ago).send(overdue(account))
    assert (answer.status_code, answer.json()["type"], answer.json()["field"]) == (401, "Stale", TIMESTAMP)
    assert not await has_case(world, account)


@pytest.mark.parametrize("ago", [timedelta(minutes=4, seconds=50), -timedelta(minutes=4, seconds=50)])
async def test_a_clock_a_little_off_is_borne_with(world: World, sender: Sender, ago: timedelta) -> None:
    assert (await Sender(sender.http, ago=ago).send(overdue(await owing(world)))).status_code == 200


async def test_the_wrong_secret_is_refused(world: World, sender: Sender) -> None:
    account = await owing(world)
    answer = await Sender(sender.http, NEWER).send(overdue(account))
    assert (answer.status_code, answer.json()["type"]) == (401, "BadSignature")
    assert not await has_case(world, account)


async def test_a_replayed_request_is_refused_also_by_another_process(world: World, sender: Sender) -> None:
    case = await world.open()
    await case.notice("yellow")
    paid = {"event": "payment_received", "account_id": case.account_id}
    body, headers = sender.request({**paid, "payload": {"payment_id": "p-1", "amount": "1.00"}})
    assert (await sender.post(body, headers)).status_code == 200
    async with door(world) as http:  # what was seen is kept in the register, not in a process
        for _ in range(3):
            answer = await Sender(http).post(body, headers)
            assert (answer.status_code, answer.json()["type"], answer.json()["field"]) == (409, "Replayed", NONCE)
    signals = [e for e in await case.events() if e == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
    assert len(signals) == 2, "the one it was opened with, and one payment"


async def test_of_a_replay_at_the_same_moment_one_gets_through(world: World, sender: Sender) -> None:
    body, headers = sender.request(overdue(await owing(world)))
    answers = await asyncio.gather(*(sender.post(body, headers) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b"[]", None),
        (b"{}", "events"),
        (b'{"events": []}', "events"),
        (b'{"events": [7]}', "events.0"),
        (b'{"events": [{"event": "withdraw", "account_id": "1", "payload": {}}]}', "events.0.event"),
        (b'{"events": [{"event": "payment_received", "account_id": "", "payload": {}}]}', "events.0.account_id"),
        (
            b'{"events": [{"event": "payment_received", "account_id": "1", "payload": {}}]}',
            "events.0.payload.payment_id",
        ),
        (b'{"events": [{"event": "payment_received", "account_id": "1", "payload": 1}]}', "events.0.payload"),
    ],
)
async def test_a_signed_body_that_makes_no_sense_is_refused_by_field(
    sender: Sender, body: bytes, field: str | None
) -> None:
    answer = await sender.post(*sender.request(body=body))
    assert (answer.status_code, answer.json()["type"], answer.json().get("field")) == (400, "BadRequest", field)


async def test_one_bad_event_holds_back_the_good_ones(world: World, sender: Sender) -> None:
    """All or nothing is sent, so that a sender who mends the one may send them all again."""
    account, other = await owing(world), await owing(world)
    wrong = overdue(other)
    wrong["payload"]["account_id"] = "A-somebody-else"
    answer = await sender.send(overdue(account), wrong)
    assert (answer.status_code, answer.json()["field"]) == (400, "events.1.payload.account_id")
    assert not await has_case(world, account)


async def test_without_a_secret_no_event_is_taken(world: World) -> None:
    account = await owing(world)
    async with door(world, None) as http:
        answer = await Sender(http).send(overdue(account))
        assert (answer.status_code, answer.json()["type"]) == (503, "NotConfigured")
    assert not await has_case(world, account)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/events/billing"), ("GET", "/"), ("GET", "/docs"), ("PUT", "/x")]
)
async def test_nothing_else_is_there_and_it_says_so_in_json(sender: Sender, method: str, path: str) -> None:
    answer = await sender.http.request(method, path)
    assert answer.status_code in (404, 405)
    assert answer.json().keys() == {"type", "message"}


async def test_serve_is_a_program_that_takes_events_and_stops_in_order(world: World, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "starter.py"), "serve", "--port", str(port)),
        env=environment(world, ARREARS_EVENT_SECRET=SECRET),
        cwd=tmp_path,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            for _ in range(150):
                try:
                    if (await http.get("/healthz")).json() == {"status": "ok"}:
                        break
                except httpx.ConnectError:
                    await asyncio.sleep(0.1)
            answer = await Sender(http).send(overdue(await owing(world)))
            assert answer.json()["results"][0]["case"] == "opened", answer.text
        process.terminate()
        _, err = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, err.decode()
    assert SECRET not in err.decode()
