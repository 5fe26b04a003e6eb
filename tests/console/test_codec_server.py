"""The codec server: payloads in clear for who has logged in, from the page of Temporal UI, and for nobody else."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload, Payloads

from client.payload_codec import ENCODING, WORKFLOW
from console.app import LARGEST_HISTORY_PAGE, Doors, make_app
from tests.support.sealing import NAMESPACE, codec, key, plain
from tests.support.world import World

ONE, UI = "arrears-1001", "http://localhost:8233"
[LETTER] = plain({"reason": "张伟 asked for a stay"})
LOGIN = ("auditor", "Quiet-harbour-7")
HEADERS = {"X-Namespace": NAMESPACE, "Content-Type": "application/json", "Origin": UI}


def application(world: World, **settings: Any) -> httpx.AsyncClient:
    """The codec server of somebody with these settings."""
    chosen = {
        "payload_keys": SecretStr(key("k1")),
        "codec_login": SecretStr("auditor:Quiet-harbour-7,clerk:Other-word-99"),
    }
    doors = Doors(world.settings.model_copy(update=chosen | settings), world.parts, _nobody)
    return httpx.AsyncClient(transport=httpx.ASGITransport(make_app(doors)), base_url="http://console", headers=HEADERS)


async def _nobody() -> Any:
    raise AssertionError("the codec server needs no Temporal")


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The codec server."""
    async with application(world) as client:
        yield client


def body(*payloads: Payload) -> str:
    """A request as Temporal UI writes it."""
    return json_format.MessageToJson(Payloads(payloads=payloads))


def answered(response: httpx.Response) -> list[Payload]:
    """The payloads of an answer."""
    assert response.status_code == 200, response.text
    return list(json_format.Parse(response.content, Payloads()).payloads)


def sealed(workflow_id: str = ONE, **bound: str) -> Payload:
    """The letter, encrypted for a workflow."""
    return codec("k1", workflow_id=workflow_id, **bound).seal(LETTER)


async def test_a_page_of_a_history_is_decrypted_whatever_workflows_it_is_of(http: httpx.AsyncClient) -> None:
    other = codec("k1", workflow_id="arrears-1002").seal(LETTER)
    answer = await http.post("/codec/decode", content=body(sealed(), other, LETTER), auth=LOGIN)
    assert answered(answer) == [LETTER, LETTER, LETTER]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_payload_that_is_not_believed_says_so_where_it_would_be_shown(http: httpx.AsyncClient) -> None:
    moved = sealed()
    moved.metadata[WORKFLOW] = b"arrears-1002"
    foreign = codec("k9", workflow_id=ONE).seal(LETTER)
    elsewhere = sealed(namespace="elsewhere")
    shown = answered(await http.post("/codec/decode", content=body(moved, foreign, elsewhere), auth=LOGIN))
    assert [json.loads(p.data)[:12] for p in shown] == ["not believed"] * 3


@pytest.mark.parametrize(
    "login",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"auditor:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"auditor:Other-word-99").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"nobody:Quiet-harbour-7").decode()},
        {"Authorization": "Bearer auditor"},
        {"Authorization": "Bearer "},
        {"Authorization": "Quiet-harbour-7"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "decode"), ("POST", "encode"), ("GET", "")])
async def test_who_has_not_logged_in_gets_nothing_and_is_asked_to(
    http: httpx.AsyncClient, method: str, path: str, login: dict[str, str]
) -> None:
    answer = await http.request(method, f"/codec/{path}".rstrip("/"), content=body(sealed()), headers=login)
    assert (answer.status_code, answer.json()["type"]) == (401, "NotLoggedIn")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "stay" not in answer.text


@pytest.mark.parametrize("token", ["Quiet-harbour-7", "Other-word-99"])
async def test_a_password_serves_as_a_bearer_token_too(http: httpx.AsyncClient, token: str) -> None:
    answer = await http.post("/codec/decode", content=body(sealed()), headers={"Authorization": f"Bearer {token}"})
    assert answered(answer) == [LETTER]


async def test_the_page_to_log_in_on_says_how_the_ui_is_set(http: httpx.AsyncClient) -> None:
    answer = await http.get("/codec", auth=LOGIN)
    assert (answer.status_code, "auditor" in answer.text, "credentials" in answer.text) == (200, True, True)


async def test_only_the_page_of_the_ui_may_read_the_answers(http: httpx.AsyncClient) -> None:
    """A browser asks beforehand without a login; what a foreign page is answered, its browser keeps from it."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
    allowed = await http.options("/codec/decode", headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == UI
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    foreign = await http.options("/codec/decode", headers={**asked, "Origin": "http://evil.example"})
    assert foreign.status_code == 400
    answer = await http.post(
        "/codec/decode", content=body(sealed()), auth=LOGIN, headers={"Origin": "http://evil.example"}
    )
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_nothing_is_encrypted_unless_settings_say_so(http: httpx.AsyncClient) -> None:
    """A login is for reading; with Temporal at hand, who can have anything encrypted speaks as anybody."""
    named = {"X-Workflow-Id": ONE}
    answer = await http.post("/codec/encode", content=body(LETTER), auth=LOGIN, headers=named)
    assert (answer.status_code, answer.json()["type"]) == (403, "NotAllowed")
    assert answered(await http.post("/codec/encode", content=body(), auth=LOGIN)) == [], "a query without arguments"


async def test_the_cli_encrypts_for_the_workflow_it_names(world: World) -> None:
    async with application(world, codec_encodes=True) as http:
        named = {"X-Workflow-Id": ONE}
        [letter] = answered(await http.post("/codec/encode", content=body(LETTER), auth=LOGIN, headers=named))
    assert letter.metadata["encoding"] == ENCODING
    assert codec("k1", workflow_id=ONE).open(letter) == LETTER


async def test_nothing_is_encrypted_for_nobody_knows_what(world: World) -> None:
    """Temporal UI cannot say for which workflow a payload is; so it can read, and not send."""
    async with application(world, codec_encodes=True) as http:
        answer = await http.post("/codec/encode", content=body(LETTER), auth=LOGIN)
        assert (answer.status_code, answer.json()["field"]) == (400, "X-Workflow-Id")


@pytest.mark.parametrize("content", ["", "{", '{"payloads": 7}', '{"payloads": [{"data": 7}]}', "\x00", "[" * 9000])
async def test_a_body_that_is_none_is_refused(http: httpx.AsyncClient, content: str) -> None:
    answer = await http.post("/codec/decode", content=content, auth=LOGIN)
    assert (answer.status_code, answer.json()["type"]) == (400, "BadRequest"), answer.text


async def test_an_oversize_body_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/codec/decode", content=b" " * (LARGEST_HISTORY_PAGE + 1), auth=LOGIN)
    assert (answer.status_code, answer.json()["type"]) == (413, "TooLarge")


async def test_a_request_that_names_no_namespace_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/codec/decode", content=body(sealed()), auth=LOGIN, headers={"X-Namespace": ""})
    assert (answer.status_code, answer.json()["field"]) == (400, "X-Namespace")


@pytest.mark.parametrize("missing", ["payload_keys", "codec_login"])
async def test_without_keys_or_a_login_nothing_is_decrypted(world: World, missing: str) -> None:
    async with application(world, **{missing: None}) as http:
        answer = await http.post("/codec/decode", content=body(sealed()), auth=LOGIN)
        assert (answer.status_code, answer.json()["type"]) == (503, "NotConfigured")
