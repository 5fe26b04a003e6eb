"""`python starter.py serve-billing`: the embedded book as a billing system over HTTP, until SIGTERM or SIGINT."""

from ipaddress import ip_address

import structlog
import uvicorn

from client.problems import Misused
from composition.parts import NotEmbedded, billing_api
from console.serve import EndsInOrder
from edge.session import Session

log = structlog.get_logger()


async def serve_billing(session: Session, host: str, port: int, token: str | None) -> None:
    """Serve until a signal ends it. Misused: there is no embedded book, or others could read it without a token."""
    if session.settings.mode == "production":
        raise Misused("Configuration", "ARREARS_MODE=production: this is for trials, and answers without TLS")
    if token is None and not _of_this_machine(host):
        raise Misused("Usage", f"--host {host}: others would read names and addresses; give a --token")
    try:
        book = session.parts.book
    except NotEmbedded as problem:
        sentence = "ARREARS_BILLING_URL names a billing system over HTTP; for this command name the book's database"
        raise Misused("Configuration", f"{sentence}, such as sqlite:///var/billing.db") from problem
    config = uvicorn.Config(
        billing_api(book, token),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=session.settings.shutdown_seconds,
    )
    log.info(
        "billing_api.started",
        book=book.address,
        for_workers=f"ARREARS_BILLING_URL=http://{host}:{port}{' ARREARS_BILLING_TOKEN=…' if token else ''}",
    )
    try:
        await EndsInOrder(config).serve()
    except SystemExit as ending:  # how uvicorn says that it could not bind
        raise Misused("Usage", f"{host}:{port} cannot be listened on; name another --port") from ending
    log.info("billing_api.stopped")


def _of_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
