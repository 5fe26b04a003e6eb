"""The reference billing server on a free port, each of its answers held against deploy/billing-api.openapi.yaml."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import uvicorn
import yaml
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from jsonschema import Draft202012Validator, FormatChecker
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.billing import server

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


@dataclass
class BillingApi(server.BillingApi):
    """The server of the product; `asked` is what it was asked, oldest first, `url` where it is.

    `faults`: a path that fails (503), is garbled (half of its JSON), or comes late by so many seconds.
    """

    token: str | None = TOKEN
    asked: list[str] = field(default_factory=list)
    url: str = ""
    faults: dict[str, Literal["fails", "garbled"] | float] = field(default_factory=dict)

    def app(self) -> FastAPI:
        """The product's, and nothing leaves it that is not as described."""
        app = super().app()
        app.add_middleware(_HeldAgainstTheDescription, api=self)
        return app


class _HeldAgainstTheDescription:
    """Answers as its faults say, else as the server does; plain ASGI: a caller who hangs up leaves nothing behind."""

    def __init__(self, app: ASGIApp, api: BillingApi) -> None:
        self.app, self.api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        match self.api.faults.get(path):
            case "fails":
                return await JSONResponse({"message": "month-end closing"}, 503)(scope, receive, send)
            case "garbled":
                half = Response('{"customers": [{"account_id": "', media_type="application/json")
                return await half(scope, receive, send)
            case float(seconds):
                await asyncio.sleep(seconds)
        self.api.asked.append(f"{scope.get('method')} {path}")
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, keep)
        responses = {} if path not in description()["paths"] else _described(path)
        status = next(str(m["status"]) for m in sent if m["type"] == "http.response.start")
        body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        if name := responses.get(status):
            assert (problem := wrong(name, json.loads(body))) is None, f"{path}: {problem}"
        for message in sent:
            await send(message)


def _described(path: str) -> dict[str, str]:
    """The schema of each answer of a path, by status."""
    (operation,) = description()["paths"][path].values()
    good = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return dict.fromkeys(operation["responses"], "Problem") | {"200": good}


@contextmanager
def serving(api: BillingApi) -> Iterator[BillingApi]:
    """The server running in a thread, its address in `url`."""
    config = uvicorn.Config(api.app(), host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, name="billing-api", daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.005)
        assert thread.is_alive(), "the reference server did not start"
    port = running.servers[0].sockets[0].getsockname()[1]
    api.url = f"http://127.0.0.1:{port}"
    try:
        yield api
    finally:
        running.should_exit = running.force_exit = True
        with contextlib.suppress(RuntimeError):
            thread.join(10)
