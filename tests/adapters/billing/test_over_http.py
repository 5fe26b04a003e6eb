"""A billing system over HTTP that is slow, broken, elsewhere or wrong: no answer, within seconds, with a sentence."""

import copy
import json
import logging
import re
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from activities.billing import BillingUnavailable
from adapters.billing.line import FOR_MANY, FOR_ONE, LARGEST_ANSWER, Patience
from adapters.billing.over_http import HttpBilling, open_http_billing
from composition.logs import configure_logging
from domain.money.debt import DebtQuery
from tests.support.billing_api import TOKEN
from tests.support.billing_lines import NOON
from workflows import counterparties

ZONE = "Asia/Shanghai"
HASTY, CALM = Patience(0.4, pause=0.01), Patience(10, pause=0.01)
QUERY = DebtQuery(account_id="1001", as_of=NOON, bills=("b1", "b9"))
OWES: dict[str, Any] = {
    "debts": [
        {
            "account_id": "1001",
            "status": "known",
            "as_of": NOON.isoformat(),
            "bills": [
                {
                    "bill_id": "b1",
                    "amount": "100.00",
                    "due_date": "2026-10-25",
                    "outstanding": "60.00",
                    "payments": [{"payment_id": "p1", "amount": "40.00", "paid_at": "2026-10-26T08:00:00+08:00"}],
                }
            ],
            "unknown_bills": ["b9"],
            "paid_total": "40.00",
            "credit": "0.00",
        }
    ]
}


@dataclass
class Server:
    """A server on a socket that does with each connection what the test says; `heard` is what it was sent."""

    url: str
    heard: list[bytes] = field(default_factory=list)


Behaviour = Callable[[socket.socket], None]


def whole_question(connection: socket.socket) -> bytes:
    """Head and body: a connection closed over what is still unread is reset, and takes the answer with it."""
    heard = connection.recv(65536)
    length = re.search(rb"content-length: *(\d+)", heard, re.IGNORECASE)
    while length and len(heard.partition(b"\r\n\r\n")[2]) < int(length[1]) and (more := connection.recv(65536)):
        heard += more
    return heard


@contextmanager
def server(*behaviours: Behaviour) -> Iterator[Server]:
    """It treats the first connection by the first behaviour, and so on; the last one goes on for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    running = Server(f"http://127.0.0.1:{listening.getsockname()[1]}")

    def serve() -> None:
        for number in range(1000):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=treat, args=(connection, number), daemon=True).start()

    def treat(connection: socket.socket, number: int) -> None:
        with connection:
            try:
                running.heard.append(whole_question(connection))
                behaviours[min(number, len(behaviours) - 1)](connection)
            except OSError:
                return  # whoever asked has gone

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def answer(status: int = 200, body: bytes | None = None, kind: str = "application/json", **headers: str) -> Behaviour:
    """A whole answer."""
    content = json.dumps(OWES).encode() if body is None else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)


def silent(connection: socket.socket) -> None:
    """Takes the question, and says nothing."""
    while connection.recv(1024):
        pass


def slow_headers(connection: socket.socket) -> None:
    """A letter now and then: no single read is ever late."""
    for letter in b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 100:
        connection.sendall(bytes([letter]))
        time.sleep(0.05)


def slow_body(connection: socket.socket) -> None:
    """The same, in the body."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.05)


def half_closed(connection: socket.socket) -> None:
    """Half the answer, and the end of the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n" + WHOLE[:60])


def cut_short(connection: socket.socket) -> None:
    """Half the answer of a server that does not say how long it is."""
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + WHOLE[:-1])


def endless(connection: socket.socket) -> None:
    """An answer without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(2 * LARGEST_ANSWER // 65536):
        connection.sendall(b" " * 65536)


def hangs_up(connection: socket.socket) -> None:
    """No answer at all."""
    connection.shutdown(socket.SHUT_RDWR)


WHOLE = json.dumps(OWES).encode()


@contextmanager
def billing_at(url: str, token: str | None = TOKEN, patience: Patience = CALM) -> Iterator[HttpBilling]:
    """The adapter, with other patience than in earnest."""
    billing = open_http_billing(url, token, ZONE, (patience, patience))
    yield billing
    billing.close()


def refused(url: str, patience: Patience = CALM) -> str:
    """The sentence why there is no answer."""
    with billing_at(url, patience=patience) as billing, pytest.raises(BillingUnavailable) as none:
        billing.debts((QUERY,))
    return str(none.value)


@pytest.mark.parametrize(
    ("behaviour", "said", "tries"),
    [
        (silent, "no answer within 0.4 s; tried 2 times", 2),
        (slow_headers, "no answer within 0.4 s", 2),
        (slow_body, "no answer within 0.4 s", 2),
        (half_closed, "the connection failed", 2),
        (hangs_up, "the connection failed", 2),
        (cut_short, "not JSON", 1),
        (answer(502), "answered 502; tried 2 times", 2),
        (answer(503), "answered 503; tried 2 times", 2),
        (answer(301, Location="https://elsewhere.example/"), "a redirect; set ARREARS_BILLING_URL", 1),
        (answer(307, Location="/v2/debts"), "a redirect", 1),
        (answer(400), "deploy/billing-api.openapi.yaml", 1),
        (answer(401), "correct ARREARS_BILLING_TOKEN", 1),
        (answer(403), "may not ask", 1),
        (answer(404), "correct ARREARS_BILLING_URL", 1),
        (answer(429, Retry_After="1"), "asked too often", 1),
        (answer(500), "it has failed", 1),
        (answer(204, b""), "answered 204", 1),
        (answer(201), "answered 201", 1),
        (answer(kind="text/html"), "content-type is text/html", 1),
        (answer(kind=""), "content-type is missing", 1),
        (answer(Content_Encoding="gzip"), "content-encoding is gzip", 1),
        (answer(body=b""), "not JSON", 1),
        (answer(body=b"<html>"), "not JSON", 1),
        (answer(body=b'{"debts": [NaN]}'), "NaN is no JSON", 1),
        (answer(body=b"\xef\xbb\xbf{}"), "not JSON", 1),
        (answer(body=b'"\xff"'), "not JSON", 1),
        (answer(body=b"[" * 100_000), "not JSON", 1),
        (answer(body=WHOLE[:-1] + b', "debts": []}'), "a name stands twice", 1),
        (lambda c: c.sendall(b"SSH-2.0-OpenSSH_9\r\n"), "the connection failed", 2),
    ],
    ids=lambda value: getattr(value, "__name__", None) if callable(value) else str(value)[:24],
)
def test_what_is_no_answer(behaviour: Behaviour, said: str, tries: int) -> None:
    with server(behaviour) as broken:
        sentence = refused(broken.url, HASTY if "within" in said else CALM)
        assert len(broken.heard) == tries
    assert said in sentence
    assert f"POST {broken.url}/debts" in sentence
    assert "100.00" not in sentence


def test_an_answer_without_end_is_given_up() -> None:
    with server(endless) as broken:
        assert "larger than" in refused(broken.url)


def test_nobody_there() -> None:
    with server(silent) as gone:
        pass
    assert "the connection failed" in refused(gone.url)


def test_a_passing_fault_is_tried_once_more() -> None:
    with server(hangs_up, answer()) as recovering, billing_at(recovering.url) as billing:
        (debt,) = billing.debts((QUERY,))
    assert debt is not None
    assert str(debt.owed) == "60.00"
    with server(answer(503), answer()) as busy, billing_at(busy.url) as billing:
        assert billing.debts((QUERY,)) == (debt,)


def _in_all(patience: Patience) -> float:
    """Seconds after which there is an answer, or none."""
    return patience.tries * patience.seconds + (patience.tries - 1) * patience.pause


def test_the_default_patience_leaves_room_in_the_activities_time() -> None:
    """The last half-hour: an activity that outlives its 10 s would hold a thread, and its answer be lost."""
    limit = counterparties.BILLING_NOW.get("start_to_close_timeout")
    assert limit is not None
    assert _in_all(FOR_ONE) < 0.7 * limit.total_seconds()
    sweep = counterparties.SWEEP.get("start_to_close_timeout")
    assert sweep is not None
    assert 4 * _in_all(FOR_MANY) < sweep.total_seconds()  # a page of the sweep is four questions


def test_a_slow_server_is_given_up_in_time() -> None:
    began = time.monotonic()
    with server(slow_headers) as slow:
        refused(slow.url, HASTY)
    assert time.monotonic() - began < _in_all(HASTY) + 2


def test_many_threads_ask_at_once() -> None:
    with server(answer()) as healthy, billing_at(healthy.url) as billing:
        found: list[Any] = []
        threads = [threading.Thread(target=lambda: found.append(billing.debts((QUERY,)))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(found) == 20


def test_the_token_goes_with_each_question_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logging()
        root.addHandler(caplog.handler)
        with server(answer(401, body=TOKEN.encode())) as strict:
            with billing_at(strict.url) as billing, pytest.raises(BillingUnavailable) as none:
                billing.debts((QUERY,))
            assert f"authorization: bearer {TOKEN}" in strict.heard[0].decode().replace("Bearer", "bearer").lower()
            with billing_at(strict.url, token=None) as billing, pytest.raises(BillingUnavailable):
                billing.debts((QUERY,))
            assert b"uthorization" not in strict.heard[1]
    finally:
        root.handlers, root.level = handlers, level
    assert TOKEN not in "".join(traceback.format_exception(none.value))
    assert TOKEN not in repr(billing)
    assert not [line for line in caplog.records if line.name.startswith("http")]


def test_surroundings_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named in the environment would be given the token."""
    with server(answer()) as healthy, server(silent) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with billing_at(healthy.url) as billing:
            billing.debts((QUERY,))
        assert proxy.heard == []


def changed(path: str, value: Any) -> bytes:
    """The good answer with one thing changed, by its path; `...` takes it out."""
    found: Any = copy.deepcopy(OWES)
    root = found
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        found = found[step]
    if value is ...:
        del found[last]
    else:
        found[last] = value
    return json.dumps(root).encode()


ELSEWHERE = {"payment_id": "p7", "amount": "5.00", "paid_at": "2026-10-01T09:30:00+08:00"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("debts", ..., "debts: Field required"),
        ("debts", [], "debts: 0 answers to 1 questions"),
        ("debts.0.bills", ..., "debts.0.bills: Field required"),
        ("debts.0.bills", None, "debts.0.bills:"),
        ("debts.0.bills", [], "debts.0.bills: says nothing of bill b1"),
        ("debts.0.status", ..., "debts.0:"),
        ("debts.0.status", "settled", "debts.0:"),
        ("debts.0.status", "unknown", "Extra inputs"),
        ("debts.0.account_id", "1002", "debts.0.account_id: is 1002, asked was 1001"),
        ("debts.0.account_id", " 1001", "debts.0.account_id: must not begin or end with a blank"),
        ("debts.0.account_id", 1001, "debts.0.account_id:"),
        ("debts.0.as_of", "2026-10-25T04:00:00Z", "debts.0.as_of: is not the time"),
        ("debts.0.as_of", "2026-10-26T12:00:00", "debts.0.as_of: must be a time"),
        ("debts.0.debt", "0.00", "debts.0.debt: Extra inputs"),
        ("debts.0.unknown_bills", [], "debts.0.bills: says nothing of bill b9"),
        ("debts.0.unknown_bills", ["b1", "b9"], "debts.0.unknown_bills"),
        ("debts.0.unknown_bills", ["b9", "b7"], "debts.0.unknown_bills"),
        ("debts.0.paid_total", "39.99", "debts.0: paid_total 39.99 is less"),
        ("debts.0.paid_total", 40, "debts.0.paid_total: must be a decimal string"),
        ("debts.0.credit", "-1.00", "debts.0.credit: must not be negative"),
        ("debts.0.bills.0.outstanding", ..., "debts.0.bills.0.outstanding: Field required"),
        ("debts.0.bills.0.outstanding", "0.00", "debts.0.bills.0: outstanding 0.00 is not amount 100.00 less"),
        ("debts.0.bills.0.outstanding", 60.0, "debts.0.bills.0.outstanding: must be a decimal string"),
        ("debts.0.bills.0.amount", "1e2", "debts.0.bills.0.amount: must be a decimal string"),
        ("debts.0.bills.0.payments", [], "debts.0.bills.0: outstanding"),
        ("debts.0.bills.0.due_date", "25/10/2026", "debts.0.bills.0.due_date: must be a date"),
        ("debts.0.bills.0.due_date", "2026-02-30", "debts.0.bills.0.due_date:"),
        ("debts.0.bills.0.bill_id", "b2", "debts.0.bills: says nothing of bill b1"),
        ("debts.0.bills.0.payments.0.paid_at", "yesterday", "debts.0.bills.0.payments.0.paid_at: must be a time"),
        ("debts.0.payments_elsewhere", [ELSEWHERE | {"bill_id": "b2"}], "bill_id and due_date stand together"),
        (
            "debts.0.payments_elsewhere",
            [ELSEWHERE | {"bill_id": "b1", "due_date": "2026-09-25"}],
            "a bill that is listed",
        ),
        ("debts.0.payments_elsewhere", [ELSEWHERE | {"name": "x"}], "Extra inputs"),
    ],
)
def test_an_answer_that_is_not_as_described_is_none(path: str, value: Any, said: str) -> None:
    with server(answer(body=changed(path, value))) as wrong:
        sentence = refused(wrong.url)
    assert said in sentence
    assert "deploy/billing-api.openapi.yaml" in sentence


OTHER = {"bill_id": "b2", "amount": "5.00", "outstanding": "5.00", "payments": []}


@pytest.mark.parametrize(
    ("bill", "accepted"),
    [
        (OTHER | {"due_date": "2026-10-25"}, True),
        (OTHER | {"due_date": "2026-10-26"}, False),  # noon of its due date: it may still be paid
        (OTHER | {"due_date": "2026-10-25", "amount": "0.00", "outstanding": "0.00"}, False),
        (OWES["debts"][0]["bills"][0], False),
    ],
    ids=["overdue", "not_yet_due", "settled", "twice"],
)
def test_only_overdue_unpaid_bills_are_listed_unasked(bill: dict[str, Any], accepted: bool) -> None:
    """R-01: a bill that is not yet due is no arrears, and must not come on a notice by a fault of billing."""
    body = changed("debts.0.bills", [OWES["debts"][0]["bills"][0], bill])
    with server(answer(body=body)) as mixed, billing_at(mixed.url) as billing:
        if accepted:
            (debt,) = billing.debts((QUERY,))
            assert debt is not None
            assert str(debt.owed) == "65.00"
        else:
            with pytest.raises(BillingUnavailable, match=r"debts\.0"):
                billing.debts((QUERY,))


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        (["1001", "1001"], "account_ids.1"),
        (["1002", "1001"], "account_ids.1"),
        (["1000"], "account_ids.0"),
        (["1001", "1002", "1003"], "3 accounts, 2 at most"),
        ([""], "account_ids.0"),
        (None, "account_ids"),
    ],
)
def test_a_page_out_of_order_is_none(accounts: Any, said: str) -> None:
    """An account passed over would never get its notice, and one repeated would never let the pages end."""
    body = json.dumps({"account_ids": accounts}).encode()
    with (
        server(answer(body=body)) as wrong,
        billing_at(wrong.url) as billing,
        pytest.raises(BillingUnavailable, match=said),
    ):
        billing.overdue_accounts(NOON, "1000", 2)


KNOWN: dict[str, Any] = {
    "account_id": "1001",
    "status": "known",
    "customer_class": "residential",
    "important": False,
    **dict.fromkeys(("name", "address", "phone", "email"), "秘密 secret"),
    **dict.fromkeys(
        ("meter_id", "reading_centre", "reader", "team_leader", "field_unit", "business_station", "region"), "x"
    ),
}


@pytest.mark.parametrize("wish", ["", "短信", "SMS", "wechat", True, ["sms"], {"by": "sms"}, None])
def test_a_preference_that_nobody_knows_keeps_no_case_from_opening(wish: Any) -> None:
    """It only orders channels; a customer who was found cut off waits for the answer that it stands in."""
    body = json.dumps({"customers": [KNOWN | {"preferred_channel": wish}]}).encode()
    with server(answer(body=body)) as mis, billing_at(mis.url) as billing:
        known = billing.customer("1001")
    assert known is not None
    assert known.card.preferred_channel is None


@pytest.mark.parametrize(
    "change", [{"important": "no"}, {"customer_class": "居民"}, {"reader": ""}, {"phone": None}, {"account_id": "1002"}]
)
def test_a_customer_not_as_described_is_none(change: dict[str, Any]) -> None:
    good, bad = (json.dumps({"customers": [KNOWN | by]}).encode() for by in ({}, change))
    with server(answer(body=good)) as healthy, billing_at(healthy.url) as billing:
        assert billing.customer("1001") is not None
    with (
        server(answer(body=bad)) as wrong,
        billing_at(wrong.url) as billing,
        pytest.raises(BillingUnavailable, match=next(iter(change))) as none,
    ):
        billing.customer("1001")
    assert "秘密" not in str(none.value)
