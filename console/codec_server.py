"""The codec server: decrypts payloads for who has logged in with Temporal UI or CLI, and encrypts for the CLI."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping

import structlog
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from client.cases import BadRequest
from client.payload_codec import EncryptedPayloads
from client.problems import Problem
from domain.contract.refusals import UNBELIEVED

log = structlog.get_logger()

NAMESPACE, WORKFLOW_ID = "X-Namespace", "X-Workflow-Id"
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="power-arrears codec server", charset="UTF-8"'}


class NotLoggedIn(Problem):
    """Nobody, or nobody known; a browser asks for name and password."""

    status = 401
    headers = _CHALLENGE

    def __init__(self) -> None:
        super().__init__("NotLoggedIn", "name and password are needed (ARREARS_CODEC_LOGIN)")


class NotAllowed(Problem):
    """The codec server only decrypts."""

    status = 403

    def __init__(self) -> None:
        super().__init__("NotAllowed", "nothing is encrypted here (ARREARS_CODEC_ENCODES); messages go by starter.py")


def who_asks(authorization: str | None, logins: Mapping[str, str]) -> str:
    """The name of who has logged in by HTTP Basic, or by his password as a bearer token. NotLoggedIn: nobody known."""
    kind, _, given = (authorization or "").partition(" ")
    match kind.lower():
        case "basic":
            name, _, password = _decoded(given).partition(":")
            asked = [known for known, secret in logins.items() if _same(known, name) and _same(secret, password)]
        case "bearer":
            asked = [known for known, secret in logins.items() if _same(secret, given.strip())]
        case _:
            asked = []
    if not asked:
        raise NotLoggedIn()
    return asked[0]


def decode(body: bytes, codec: EncryptedPayloads, namespace: str, name: str) -> bytes:
    """The payloads of a request in clear; one that is refused says why. Who read what goes into the log."""
    answers, read = Payloads(), set()
    for payload in _payloads(body):
        workflow_id = codec.workflow_of(payload)
        if workflow_id is None:  # never encrypted: shown as it is, so that mixed histories can be read
            answers.payloads.append(payload)
            continue
        read.add(workflow_id)
        opened = codec.bound_to(namespace, workflow_id).open(payload)
        answers.payloads.append(_shown(opened))
    log.info("codec.decoded", by=name, payloads=len(answers.payloads), workflows=sorted(read)[:20])
    return _json(answers)


def encode(
    body: bytes, codec: EncryptedPayloads, namespace: str, workflow_id: str | None, name: str, *, allowed: bool
) -> bytes:
    """The payloads of a request encrypted for one workflow. BadRequest: nobody said for which.

    NotAllowed: who can have anything encrypted, and reaches Temporal, speaks as anybody; that is for settings to say.
    """
    payloads = _payloads(body)
    if not payloads:  # a query without arguments
        return _json(Payloads())
    if not allowed:
        raise NotAllowed()
    if not workflow_id:
        raise BadRequest(
            f"say for which workflow in the header {WORKFLOW_ID}: payloads are bound to one (temporal --codec-header"
            f' "{WORKFLOW_ID}=arrears-…"); Temporal UI cannot say it: use starter.py',
            WORKFLOW_ID,
        )
    bound = codec.bound_to(namespace, workflow_id)
    answers = Payloads(payloads=[bound.seal(payload) for payload in payloads])
    log.info("codec.encoded", by=name, payloads=len(answers.payloads), workflow=workflow_id)
    return _json(answers)


def _payloads(body: bytes) -> list[Payload]:
    try:
        return list(json_format.Parse(body, Payloads(), ignore_unknown_fields=True, max_recursion_depth=20).payloads)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as problem:
        raise BadRequest(f'the body must be {{"payloads": […]}} as Temporal writes it: {problem}'[:300]) from None


def _shown(opened: Payload) -> Payload:
    if opened.metadata.get("encoding") != UNBELIEVED:
        return opened
    sentence = json.dumps(f"not believed: {opened.data.decode()}", ensure_ascii=False)
    return Payload(metadata={"encoding": b"json/plain"}, data=sentence.encode())


def _json(payloads: Payloads) -> bytes:
    return json_format.MessageToJson(payloads, indent=None).encode()


def _decoded(basic: str) -> str:
    try:
        return base64.b64decode(basic, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())
