"""Receivers of messages on loopback: real SMTP and HTTP servers that accept, refuse, hang or trickle."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
logging.getLogger("mail.log").setLevel(logging.WARNING)  # the receiver's own log, which shows who writes to whom


@dataclass
class Mailbox:
    """A mail server; `recipient` and `content` are what it answers to RCPT and after DATA, `slow` how long it takes."""

    recipient: str = "250 OK"
    content: str = "250 OK"
    slow: float = 0.0
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.slow)
        if self.content.startswith("250"):
            assert isinstance(envelope.original_content, bytes)
            mail = message_from_bytes(envelope.original_content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.content


@contextmanager
def mailbox(**behaviour: Any) -> Iterator[Mailbox]:
    """A mail server that behaves so, for as long as the block lasts."""
    box = Mailbox(**behaviour)
    controller = Controller(box, hostname=HOST, port=free_port())
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop(no_assert=True)


@dataclass
class Hook:
    """A webhook; `status` is what it answers, `slow` how long it takes, `trickles` one byte of the answer at a time."""

    status: int = 200
    slow: float = 0.0
    trickles: bool = False
    port: int = 0
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def of(self, title: str) -> list[float]:
        """When messages with that title came."""
        return [at for at, body in zip(list(self.at), list(self.bodies), strict=False) if body["title"] == title]


@contextmanager
def hook(**behaviour: Any) -> Iterator[Hook]:
    """A webhook that behaves so, for as long as the block lasts."""
    receiver = Hook(**behaviour)
    over = threading.Event()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, slow, trickles = (
                receiver.status,
                receiver.slow,
                receiver.trickles,
            )  # as it behaves when this one comes
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.paths.append(self.path)
            receiver.keys.append(self.headers["Idempotency-Key"])
            receiver.bodies.append(body)
            receiver.at.append(time.monotonic())
            over.wait(slow)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/login")
            self.send_header("Content-Length", "100" if trickles else "0")
            self.end_headers()
            for _ in range(100 if trickles else 0):
                if over.wait(0.2):
                    return
                self.wfile.write(b".")
                self.wfile.flush()

        def do_GET(self) -> None:
            """The login page."""
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def handle(self) -> None:
            with suppress(OSError):  # whoever asked has gone
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Answering)
    server.daemon_threads = True
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
