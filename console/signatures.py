"""Signed requests: the sender knows a secret, signed this body, minutes ago at most, and sends it once."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from client.problems import Problem

TIMESTAMP, NONCE, SIGNATURE = "X-Arrears-Timestamp", "X-Arrears-Nonce", "X-Arrears-Signature"
FRESH = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way."""
KEPT = 3 * FRESH
"""How long a nonce is remembered: longer than any signature made with it stays fresh."""
_NONCE = re.compile(r"[A-Za-z0-9._-]{8,128}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)

Remember = Callable[[str, datetime, datetime], bool]
"""Keep a nonce seen now, forget those from before; False if it was kept already."""


class Unsigned(Problem):
    """The request is not known to come from the billing system; `status` is the HTTP one."""

    def __init__(self, type_: str, message: str, field: str, status: int = 401) -> None:
        super().__init__(type_, message, {"field": field})
        self.status = status


def sign(secret: str, seconds: int, nonce: str, body: bytes) -> str:
    """The signature's header: HMAC-SHA256 over format, time, nonce and body, as hexadecimal digits."""
    text = b"\n".join((b"arrears-events-1", str(seconds).encode(), nonce.encode(), body))
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def check(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime, remember: Remember) -> None:
    """Raise Unsigned unless one of `secrets` signed this body for this time and nonce, and it comes for the first time.

    The nonce is remembered only for a good signature: nobody else can use one up.
    """
    seconds, nonce, signature = (_header(headers, name) for name in (TIMESTAMP, NONCE, SIGNATURE))
    if not _SECONDS.fullmatch(seconds):
        raise Unsigned("BadSignature", "must be a time in whole seconds since 1970", TIMESTAMP)
    if not _NONCE.fullmatch(nonce):
        raise Unsigned("BadSignature", "must be 8 to 128 letters, digits, dots or dashes", NONCE)
    good = [hmac.compare_digest(sign(s, int(seconds), nonce, body).encode(), signature.encode()) for s in secrets]
    if not any(good):
        raise Unsigned("BadSignature", "the signature is not that of this time, nonce and body", SIGNATURE)
    if abs(now - datetime.fromtimestamp(int(seconds), UTC)) > FRESH:
        raise Unsigned("Stale", f"the signature is more than {FRESH.seconds // 60} minutes old or ahead", TIMESTAMP)
    if not remember(nonce, now, now - KEPT):
        raise Unsigned("Replayed", "this nonce was used before; sign each request with a new one", NONCE, 409)


def _header(headers: Mapping[str, str], name: str) -> str:
    if value := headers.get(name):
        return value
    raise Unsigned("NotSigned", f"the header {name} is missing", name)
