"""The other side of billing over HTTP: the book of our own, asked as deploy/billing-api.openapi.yaml describes.

It is the reference for whoever writes an adapter of a utility's system, or tries the API; only reading.
"""

import asyncio
import hmac
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, Field
from starlette.exceptions import HTTPException

from activities.billing import BillingUnavailable
from adapters.billing.described import AsDescribed, DescribedId, DescribedMoment, NotAsDescribed, read, twice
from adapters.billing.embedded import SqlBilling
from domain.customer import Customer
from domain.money.debt import AccountDebt, BillDebt, BillPayment, DebtQuery

_HERE = "POST /debts, POST /customers, POST /account-of-meter, GET /overdue-accounts (deploy/billing-api.openapi.yaml)"


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if twice(value):
        raise ValueError("one stands here twice")
    return value


def _a_number(value: str) -> str:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 1000):
        raise ValueError("must be a number from 1 to 1000")
    return value


class _DebtQuestion(AsDescribed):
    account_id: DescribedId
    as_of: DescribedMoment
    bills: Annotated[tuple[DescribedId, ...], Field(max_length=1000), AfterValidator(_each_once)]


class _DebtQuestions(AsDescribed):
    queries: Annotated[tuple[_DebtQuestion, ...], Field(min_length=1, max_length=500)]


class _CustomerQuestions(AsDescribed):
    account_ids: Annotated[tuple[DescribedId, ...], Field(min_length=1, max_length=500)]


class _MeterQuestion(AsDescribed):
    meter_id: DescribedId


class _OverdueQuestion(AsDescribed):
    as_of: DescribedMoment
    after: DescribedId | Literal[""] = ""
    limit: Annotated[str, Field(max_length=4), AfterValidator(_a_number)]


_Question = TypeVar("_Question", bound=AsDescribed)


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class BillingApi:
    """The server's answers, from `book`. Who asks must know `token`; without one, everybody is answered."""

    book: SqlBilling
    token: str | None = None

    def app(self) -> FastAPI:
        """The questions of the description, and nothing else."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        _answer_refusals(app)

        @app.post("/debts")
        async def debts(request: Request) -> JSONResponse:
            asked = await self._question(request, _DebtQuestions)
            queries = tuple(DebtQuery.model_validate(query.model_dump()) for query in asked.queries)
            found = await asyncio.to_thread(self.book.debts, queries)
            answers = [_debt_answer(query, debt) for query, debt in zip(queries, found, strict=True)]
            return JSONResponse({"debts": answers})

        @app.post("/customers")
        async def customers(request: Request) -> JSONResponse:
            asked = await self._question(request, _CustomerQuestions)
            return JSONResponse({"customers": await asyncio.to_thread(self._customers, asked.account_ids)})

        @app.post("/account-of-meter")
        async def account_of_meter(request: Request) -> JSONResponse:
            asked = await self._question(request, _MeterQuestion)
            found = await asyncio.to_thread(self.book.account_of_meter, asked.meter_id)
            return JSONResponse({"meter_id": asked.meter_id, "account_id": found})

        @app.get("/overdue-accounts")
        async def overdue(request: Request) -> JSONResponse:
            self._admit(request)
            names = [name for name, _ in request.query_params.multi_items()]
            if twice(names):
                raise _Refused(400, "a parameter stands there twice")
            known = {name: value for name, value in request.query_params.items() if name in ("as_of", "after", "limit")}
            if known.get("after") == "":
                raise _Refused(400, "after: is no account id; leave it out to begin")
            asked = _as_described(_OverdueQuestion, known)
            found = await asyncio.to_thread(self.book.overdue_accounts, asked.as_of, asked.after, int(asked.limit))
            return JSONResponse({"account_ids": list(found)})

        return app

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if self.token is not None and not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise _Refused(401, "the token is missing or wrong")

    async def _question(self, request: Request, kind: type[_Question]) -> _Question:
        self._admit(request)
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError) as problem:
            raise _Refused(400, f"no JSON: {problem}") from None
        return _as_described(kind, body)

    def _customers(self, account_ids: tuple[str, ...]) -> list[dict[str, Any]]:
        known = self.book.customers(account_ids)
        return [_customer_answer(account_id, known.get(account_id)) for account_id in account_ids]


def _as_described(kind: type[_Question], said: Any) -> _Question:
    try:
        return read(kind, said)
    except NotAsDescribed as problem:
        raise _Refused(400, str(problem)) from None


def _answer_refusals(app: FastAPI) -> None:
    """Answer every refusal as {"message"}."""

    @app.exception_handler(_Refused)
    async def refused(_request: Request, problem: _Refused) -> JSONResponse:
        return JSONResponse({"message": str(problem)}, problem.status)

    @app.exception_handler(BillingUnavailable)
    async def unavailable(_request: Request, problem: BillingUnavailable) -> JSONResponse:
        return JSONResponse({"message": str(problem)}, 503)

    @app.exception_handler(HTTPException)
    async def other(_request: Request, problem: HTTPException) -> JSONResponse:
        return JSONResponse({"message": f"{problem.detail}: there is {_HERE}"}, problem.status_code, problem.headers)


def _customer_answer(account_id: str, customer: Customer | None) -> dict[str, Any]:
    if customer is None:
        return {"account_id": account_id, "status": "unknown"}
    return {**customer.card.model_dump(), **customer.account.model_dump(), "status": "known"}


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
