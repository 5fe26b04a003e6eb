"""A billing system over HTTP as deploy/billing-api.openapi.yaml describes it, on a real SQL book and a free port."""

import asyncio
import contextlib
import hmac
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import uvicorn
import yaml
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from activities.billing import BillingUnavailable
from adapters.billing.embedded import SqlBilling
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery

DESCRIPTION = Path(__file__).resolve().parents[2] / "deploy" / "billing-api.openapi.yaml"
TOKEN = "a-token-of-the-tests-0123456789"
_formats = FormatChecker(formats=("date",))


@_formats.checks("date-time", raises=ValueError)
def _is_a_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def description() -> dict[str, Any]:
    """The description, as it lies in the repository."""
    read: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text("utf-8"))
    return read


@cache
def schema(name: str) -> Draft202012Validator:
    """What checks values against that schema of the description."""
    root = {"$ref": f"#/components/schemas/{name}", "components": description()["components"]}
    return Draft202012Validator(root, format_checker=_formats)


def wrong(name: str, value: Any) -> str | None:
    """The first place where the value differs from that schema; None if it is as described."""
    for problem in schema(name).iter_errors(value):
        return f"{'/'.join(str(p) for p in problem.absolute_path)}: {problem.message}"
    return None


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class BillingApi:
    """The server: answers from `book`, by `token`; `asked` is what it was asked, oldest first.

    `faults`: a path that fails (503), is garbled (half of its JSON), or comes late by so many seconds.
    """

    book: SqlBilling
    token: str = TOKEN
    asked: list[str] = field(default_factory=list)
    url: str = ""
    faults: dict[str, Literal["fails", "garbled"] | float] = field(default_factory=dict)

    def app(self) -> FastAPI:
        """The questions of the description, each answer held against it."""
        app = FastAPI(openapi_url=None)

        @app.middleware("http")
        async def spoil(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
            match self.faults.get(request.url.path):
                case "fails":
                    return JSONResponse({"message": "month-end closing"}, 503)
                case "garbled":
                    return Response('{"customers": [{"account_id": "', media_type="application/json")
                case float(seconds):
                    await asyncio.sleep(seconds)
            return await answer(request)

        @app.exception_handler(_Refused)
        async def refuse(_request: Request, problem: _Refused) -> JSONResponse:
            return JSONResponse({"message": str(problem)}, problem.status)

        @app.exception_handler(BillingUnavailable)
        async def unavailable(_request: Request, problem: BillingUnavailable) -> JSONResponse:
            return JSONResponse({"message": str(problem)}, 503)

        @app.post("/debts")
        async def debts(request: Request) -> JSONResponse:
            body = await self._question(request, "DebtQuestions")
            queries = tuple(_or_refused(query) for query in body["queries"])
            found = zip(queries, self.book.debts(queries), strict=True)
            return _answer("Debts", {"debts": [_debt_answer(query, debt) for query, debt in found]})

        @app.post("/customers")
        async def customers(request: Request) -> JSONResponse:
            body = await self._question(request, "CustomerQuestions")
            return _answer("Customers", {"customers": [self._customer(a) for a in body["account_ids"]]})

        @app.post("/account-of-meter")
        async def account_of_meter(request: Request) -> JSONResponse:
            body = await self._question(request, "MeterQuestion")
            found = self.book.account_of_meter(body["meter_id"])
            return _answer("AccountOfMeter", {"meter_id": body["meter_id"], "account_id": found})

        @app.get("/overdue-accounts")
        async def overdue(request: Request) -> JSONResponse:
            self._admit(request)
            given = dict(request.query_params)
            limit = given.get("limit", "")
            query = _or_refused({"account_id": given.get("after") or "x", "as_of": given.get("as_of")})
            if "after" in given and wrong("Id", given["after"]):
                raise _Refused(400, "after: is no account id")
            if wrong("Moment", given.get("as_of")):
                raise _Refused(400, "as_of: is no time with an offset")
            if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= 1000):
                raise _Refused(400, "limit: must be a number from 1 to 1000")
            found = self.book.overdue_accounts(query.as_of, given.get("after", ""), int(limit))
            return _answer("OverdueAccounts", {"account_ids": list(found)})

        return app

    def _admit(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.url.path}")
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise _Refused(401, "the token is missing or wrong")

    async def _question(self, request: Request, name: str) -> Any:
        self._admit(request)
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError) as problem:
            raise _Refused(400, f"no JSON: {problem}") from None
        if difference := wrong(name, body):
            raise _Refused(400, difference)
        return body

    def _customer(self, account_id: str) -> dict[str, Any]:
        found = self.book.customer(account_id)
        if found is None:
            return {"account_id": account_id, "status": "unknown"}
        return {**found.card.model_dump(), **found.account.model_dump(), "status": "known"}


def _or_refused(query: dict[str, Any]) -> DebtQuery:
    try:
        return DebtQuery.model_validate(query)
    except ValidationError as problem:
        raise _Refused(400, str(problem.errors()[0]["msg"])) from None


def _debt_answer(query: DebtQuery, debt: AccountDebt | None) -> dict[str, Any]:
    if debt is None:
        return {"account_id": query.account_id, "status": "unknown"}
    listed = {b.bill_id for b in debt.bills}
    return {
        "account_id": debt.account_id,
        "status": "known",
        "as_of": query.as_of.isoformat(),
        "bills": [_bill(bill) for bill in debt.bills],
        "unknown_bills": sorted(set(query.bills) - listed),
        "paid_total": _money(debt.paid_total),
        "credit": _money(debt.credit),
        "payments_elsewhere": [
            _payment(p) | ({"bill_id": p.bill_id, "due_date": p.due_date.isoformat()} if p.due_date else {})
            for p in debt.elsewhere
        ],
    }


def _bill(bill: BillDebt) -> dict[str, Any]:
    return {
        "bill_id": bill.bill_id,
        "amount": _money(bill.amount),
        "due_date": bill.due_date.isoformat(),
        "outstanding": _money(bill.outstanding),
        "payments": [_payment(p) for p in bill.payments],
    }


def _payment(payment: BillPayment) -> dict[str, Any]:
    whole = {} if payment.payment_amount is None else {"payment_amount": _money(payment.payment_amount)}
    return {
        "payment_id": payment.payment_id,
        "amount": _money(payment.amount),
        "paid_at": payment.paid_at.isoformat(),
        **whole,
    }


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _answer(name: str, body: dict[str, Any]) -> JSONResponse:
    if problem := wrong(name, body):
        raise AssertionError(f"the reference server's own answer is not as described: {problem}")
    return JSONResponse(body)


@contextmanager
def serving(api: BillingApi) -> Iterator[BillingApi]:
    """The server running in a thread, its address in `url`."""
    config = uvicorn.Config(api.app(), host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="billing-api", daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
        assert thread.is_alive(), "the reference server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    api.url = f"http://127.0.0.1:{port}"
    try:
        yield api
    finally:
        server.should_exit = server.force_exit = True
        with contextlib.suppress(RuntimeError):
            thread.join(10)
