"""The line to a billing system over HTTP: one question, an answer within seconds, or a sentence why there is none."""

import json
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import Any

import anyio
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from activities.billing import BillingUnavailable

LARGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True)
class Patience:
    """How long a question may take: so many tries of so many seconds, each from connecting to the last byte."""

    seconds: float
    tries: int = 2
    pause: float = 0.25


# In the last half-hour an activity has 10 s, and its own retries beyond that; a page of the sweep has minutes.
FOR_ONE, FOR_MANY = Patience(3), Patience(30)

_WHAT_TO_DO = {
    400: "it does not understand the question; hold its API against deploy/billing-api.openapi.yaml",
    401: "it refuses the token; correct ARREARS_BILLING_TOKEN",
    403: "the token may not ask this; have it allowed, or correct ARREARS_BILLING_TOKEN",
    404: "nothing is there; correct ARREARS_BILLING_URL",
    429: "it is asked too often",
    500: "it has failed",
}
_FOR_A_MOMENT = (502, 503, 504)


class _Again(Exception):
    """This try failed in a way that the next may not; the sentence says how."""


class HttpLine:
    """Asks one server, by one token, over connections that are kept open; any number of threads may ask at once.

    Every question raises BillingUnavailable if its answer does not come in time, whole, as JSON, with status 200.
    Redirects are not followed and proxies not used: the token goes to the address that was set, and nowhere else.
    """

    def __init__(self, url: str, token: str | None, patience: tuple[Patience, Patience] = (FOR_ONE, FOR_MANY)) -> None:
        self.url = url.rstrip("/")
        self._for_one, self._for_many = patience
        self._lock = Lock()
        self._open = ExitStack()
        self._portal: BlockingPortal | None = None
        # The system's certificates, as a utility's own authority is known to them, and not those of a package.
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            timeout=None,  # the whole try has an end, however slowly the bytes come
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # what is small on the line may be gigabytes unpacked
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
        )

    def get(self, path: str, params: Mapping[str, str], *, many: bool) -> Any:
        """The JSON that a GET answers with. BillingUnavailable: no answer."""
        return self._ask("GET", path, many, params=params)

    def post(self, path: str, body: Mapping[str, Any], *, many: bool) -> Any:
        """The JSON that a POST answers with. BillingUnavailable: no answer."""
        return self._ask("POST", path, many, json=body)

    def close(self) -> None:
        """Close the connections, for good."""
        with self._lock:
            if self._portal is not None:
                self._portal.call(self._client.aclose)
            self._portal = None
            self._open.close()

    def _ask(self, method: str, path: str, many: bool, **content: Any) -> Any:
        where = f"{method} {self.url}{path}"
        question = self._client.build_request(method, self.url + path, **content)
        body = self._loop().call(self._insist, question, self._for_many if many else self._for_one, where)
        try:
            return _read_json(body)
        except (ValueError, RecursionError) as problem:
            raise no_answer(where, f"what came is not JSON ({problem})") from None

    def _loop(self) -> BlockingPortal:
        """A thread for the connections: only a loop can end a try after its seconds, whatever the server does."""
        with self._lock:
            if self._portal is None:
                self._portal = self._open.enter_context(start_blocking_portal())
            return self._portal

    async def _insist(self, question: httpx.Request, patience: Patience, where: str) -> bytes:
        sentence = ""
        for number in range(patience.tries):
            if number:
                await anyio.sleep(patience.pause)
            try:
                with anyio.fail_after(patience.seconds):
                    return await self._once(question, where)
            except _Again as problem:
                sentence = str(problem)
            except TimeoutError:
                sentence = f"no answer within {patience.seconds:g} s"
            except httpx.TransportError as problem:
                sentence = f"the connection failed ({str(problem) or type(problem).__name__})"
        raise no_answer(where, f"{sentence}; tried {patience.tries} times")

    async def _once(self, question: httpx.Request, where: str) -> bytes:
        response = await self._client.send(question, stream=True)
        try:
            _refuse_unless_plain_json(response, where)
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise no_answer(where, f"the answer is larger than {LARGEST_ANSWER} bytes")
            return bytes(body)
        finally:
            await response.aclose()


def no_answer(where: str, why: str) -> BillingUnavailable:
    """The sentence that there is no answer, and why."""
    return BillingUnavailable(f"billing gives no answer to {where}: {why}.")


def _refuse_unless_plain_json(response: httpx.Response, where: str) -> None:
    status = response.status_code
    if status in _FOR_A_MOMENT:
        raise _Again(f"it answered {status}")
    if response.is_redirect:
        raise no_answer(where, f"it answered {status}, a redirect; set ARREARS_BILLING_URL to where it leads")
    if status != httpx.codes.OK:
        raise no_answer(where, f"it answered {status}: {_WHAT_TO_DO.get(status, 'which is not in the description')}")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise no_answer(where, f"its content-type is {kind[:80] or 'missing'}, not application/json")
    if (coding := response.headers.get("content-encoding", "identity")) != "identity":
        raise no_answer(where, f"its content-encoding is {coding[:80]}, which was not asked for")


def _read_json(body: bytes) -> Any:
    """ValueError: no JSON, or with a name twice in an object, of which another reader would take the other value."""
    return json.loads(body.decode("utf-8"), object_pairs_hook=_each_name_once, parse_constant=_no_such_number)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a name stands twice in one object, among {', '.join(sorted(found))[:200]}")
    return found


def _no_such_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
