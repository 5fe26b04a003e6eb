"""The HTTP application: what each address does, and how every refusal is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from temporalio.client import Client

from activities.register import RegisterUnavailable
from client.cases import BadRequest
from client.payload_codec import EncryptedPayloads
from client.problems import NotThere, Problem
from composition.parts import Parts
from composition.settings.model import Settings
from console import billing_events, codec_server, signatures

log = structlog.get_logger()

LARGEST_BODY = 256 * 1024
"""Bytes; a body is refused as soon as it is seen to be larger."""
LARGEST_HISTORY_PAGE = 8 * 1024 * 1024
"""Bytes that Temporal UI may send for decrypting: it asks for a page of a history at once."""
_HOW = (
    "Temporal UI: 眼镜图标 the glasses, Configure Codec Server; endpoint: the address of this page,"
    " Include cross-origin credentials."
)


class Refused(Problem):
    """A refusal with the HTTP status that it means."""

    def __init__(self, status: int, type_: str, message: str) -> None:
        super().__init__(type_, message)
        self.status = status


@dataclass(frozen=True)
class Doors:
    """What the application works with; `client` connects when it is first needed."""

    settings: Settings
    parts: Parts
    client: Callable[[], Awaitable[Client]]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def make_app(doors: Doors) -> FastAPI:
    """The application; it has no pages, and describes itself to nobody."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _answer_refusals(app)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/events/billing")
    async def events(request: Request) -> dict[str, Any]:
        return await _take_events(doors, request)

    @app.get("/codec")
    async def login(request: Request) -> PlainTextResponse:
        name = codec_server.who_asks(request.headers.get("authorization"), _codec(doors)[1])
        return PlainTextResponse(f"{name}: 已登录 logged in. {_HOW}")

    @app.post("/codec/decode")
    async def decode(request: Request) -> Response:
        codec, logins = _codec(doors)
        name = codec_server.who_asks(request.headers.get("authorization"), logins)
        body = await read_body(request, LARGEST_HISTORY_PAGE)
        return _json(codec_server.decode(body, codec, _namespace(request), name))

    @app.post("/codec/encode")
    async def encode(request: Request) -> Response:
        codec, logins = _codec(doors)
        name = codec_server.who_asks(request.headers.get("authorization"), logins)
        workflow_id = request.headers.get(codec_server.WORKFLOW_ID)
        body = await read_body(request, LARGEST_HISTORY_PAGE)
        allowed = doors.settings.codec_encodes
        return _json(codec_server.encode(body, codec, _namespace(request), workflow_id, name, allowed=allowed))

    # Temporal UI asks from a page of another origin; only that page may read what it is answered.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=doors.settings.codec_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", codec_server.NAMESPACE, codec_server.WORKFLOW_ID],
        allow_credentials=True,
    )
    return app


def _codec(doors: Doors) -> tuple[EncryptedPayloads, dict[str, str]]:
    codec, logins = doors.settings.payload_codec, doors.settings.codec_logins
    if codec is None or not logins:
        needed = "ARREARS_PAYLOAD_KEYS" if codec is None else "ARREARS_CODEC_LOGIN"
        raise Refused(503, "NotConfigured", f"nothing is decrypted: {needed} is not set")
    return codec, logins


def _namespace(request: Request) -> str:
    if namespace := request.headers.get(codec_server.NAMESPACE):
        return namespace
    raise BadRequest("payloads are bound to a namespace, and none is named", codec_server.NAMESPACE)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _take_events(doors: Doors, request: Request) -> dict[str, Any]:
    secrets = doors.settings.event_secrets
    if not secrets:
        raise Refused(503, "NotConfigured", "no billing events are taken: ARREARS_EVENT_SECRET is not set")
    body = await read_body(request)
    remember = doors.parts.register.remember_nonce
    await asyncio.to_thread(signatures.check, request.headers, body, secrets, doors.now(), remember)
    checked = billing_events.read_events(body)
    client, queue = await doors.client(), doors.settings.task_queue
    results = [await billing_events.send(client, one, doors.parts.policy_for, queue) for one in checked]
    log.info("events.taken", events=len(results))
    return {"accepted": len(results), "results": results}


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """The body, if it is not too large; what is said of its length beforehand is not relied on."""
    too_large = Refused(413, "TooLarge", f"a body may have {largest} bytes at most")
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or int(said) > largest:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise too_large
    return bytes(body)


def _answer_refusals(app: FastAPI) -> None:
    """Answer every refusal as {"type", "message", "field"?}."""

    @app.exception_handler(Problem)
    async def problem(request: Request, refusal: Problem) -> JSONResponse:
        status = getattr(refusal, "status", None) or (400 if isinstance(refusal, BadRequest) else 409)
        if isinstance(refusal, NotThere):
            status = 503
        log.warning("request.refused", path=request.url.path, type=refusal.type, status=status)
        body = {"type": refusal.type, "message": refusal.message} | refusal.details
        return JSONResponse(body, status, getattr(refusal, "headers", None))

    @app.exception_handler(RegisterUnavailable)
    async def register(request: Request, refusal: RegisterUnavailable) -> JSONResponse:
        del request
        log.error("register.unavailable", reason=str(refusal))
        body = {"type": "RegisterUnavailable", "message": "the register gives no answer; nothing was done"}
        return JSONResponse(body, 503)

    @app.exception_handler(HTTPException)
    async def other(request: Request, refusal: HTTPException) -> JSONResponse:
        del request
        types = {404: "NotFound", 405: "MethodNotAllowed"}
        body = {"type": types.get(refusal.status_code, "BadRequest"), "message": str(refusal.detail)}
        return JSONResponse(body, refusal.status_code)
