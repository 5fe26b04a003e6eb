"""One command for each signal and update, made from the tables of the contract: flags are the payload's fields."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from client import cases
from client.problems import Misused, Problem
from domain.contract.tables import OPENING_SIGNALS, SIGNALS, UPDATES, MessageSpec
from domain.contract.updates import ReportCut
from domain.law.policy import Policy
from domain.law.policy_file import PolicyError, load_policy
from domain.vocabulary import Contract
from edge.session import Account, AsJson, Session, end_with, run
from edge.terminal import Printer

Data = Annotated[str | None, typer.Option("--data", help="the payload: a JSON object, @FILE, or - for stdin")]
UpdateId = Annotated[str | None, typer.Option("--update-id", help="the same id again gives the first answer")]


def add_message_commands(app: typer.Typer) -> None:
    """A command for every row of the tables, named after the message."""
    for name, spec in (*SIGNALS.items(), *UPDATES.items()):
        panel = "Signals: what has happened" if name in SIGNALS else "Updates: what is asked"
        text = f"{spec.description} ({spec.clause})" + (f"; by {', '.join(spec.roles)}" if spec.roles else "")
        app.command(_kebab(name), help=text, rich_help_panel=panel)(_command(name, spec))


def _command(name: str, spec: MessageSpec) -> Callable[..., None]:
    flags = dict(_flags(spec.payload))

    def command(account: str, data: str | None, as_json: bool, update_id: str | None = None, **values: Any) -> None:
        not_counted: list[Problem] = []

        async def act(session: Session) -> dict[str, Any]:
            given = {flags[key]: value for key, value in values.items() if value is not None}
            answer = await _send(session, name, account, _payload(spec, account, data, given), update_id)
            if answer.get("counted") is False:  # on record, and yet not what the sender meant to bring about
                not_counted.append(Problem("NotCounted", answer["why"]))
            return answer

        run(as_json, act, lambda result, out: _show(name, result, out))
        end_with(not_counted, as_json)

    fixed = [_parameter("account", Account), _parameter("data", Data, None), _parameter("as_json", AsJson, False)]
    if name in UPDATES:
        fixed.append(_parameter("update_id", UpdateId, None))
    # Typer reads a command's flags from its signature.
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*fixed, *(_parameter(key, _option(spec.payload, path), None) for key, path in flags.items())]
    )
    return command


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flags(payload: type[Contract]) -> list[tuple[str, tuple[str, ...]]]:
    """Parameter name → path into the payload; a field that is itself an object also has a flag for each of its own."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for name, info in payload.model_fields.items():
        if name == "account_id":
            continue  # the command's argument
        found.append((name, (name,)))
        if (inner := _contract(info.annotation)) is not None and inner is not Policy:
            found.extend((f"{name}_{part}", (name, part)) for part in inner.model_fields)
    return found


def _option(payload: type[Contract], path: tuple[str, ...]) -> Any:
    info = payload.model_fields[path[0]]
    for part in path[1:]:
        inner = _contract(info.annotation)
        assert inner is not None
        info = inner.model_fields[part]
    flag = "--" + _kebab("_".join(path))
    kind = _bare(info.annotation)
    if kind is bool:
        return Annotated[bool | None, typer.Option(f"{flag}/--not-{flag[2:]}", show_default=False)]
    if get_origin(kind) is Literal:
        text, metavar = " | ".join(get_args(kind)), None
    elif kind is Policy:
        text, metavar = "a pack of policies/, a policy file, or as JSON", "POLICY"
    elif _is_json(kind):
        text, metavar = "as JSON", "JSON"
    else:
        text, metavar = "", None
    if info.is_required() and len(path) == 1:
        text = (text + " " if text else "") + "(required)"
    return Annotated[str | None, typer.Option(flag, help=text, metavar=metavar, show_default=False)]


def _payload(spec: MessageSpec, account: str, data: str | None, flags: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    payload = _read(data) if data is not None else {}
    if "account_id" in spec.payload.model_fields and payload.setdefault("account_id", account) != account:
        raise cases.BadRequest(f"account_id: must be {account}, the account of the command", "account_id")
    for path, value in flags.items():
        target = payload
        for part in path[:-1]:
            if not isinstance(target.setdefault(part, {}), dict):
                raise cases.BadRequest(f"{part}: must be a JSON object", part)
            target = target[part]
        target[path[-1]] = _value(spec.payload, path, value)
    return payload


def _value(payload: type[Contract], path: tuple[str, ...], value: Any) -> Any:
    info = payload.model_fields[path[0]]
    for part in path[1:]:
        inner = _contract(info.annotation)
        assert inner is not None
        info = inner.model_fields[part]
    kind = _bare(info.annotation)
    if not _is_json(kind) or (get_origin(kind) is tuple and not value.lstrip().startswith(("[", "{"))):
        return value
    field = ".".join(path)
    if kind is Policy and not value.lstrip().startswith("{"):
        try:
            return load_policy(value).model_dump(mode="json")
        except PolicyError as problem:
            raise cases.BadRequest(f"{field}: {problem}", field) from None
    try:
        return json.loads(value)
    except ValueError as problem:
        raise cases.BadRequest(f"{field}: must be JSON ({problem})", field) from None


def _read(data: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if data == "-" else Path(data[1:]).read_text("utf-8") if data.startswith("@") else data
    except (OSError, UnicodeDecodeError) as problem:
        raise Misused("Usage", f"--data {data}: {problem}") from problem
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise cases.BadRequest(f"--data must be one JSON object ({problem})") from None
    if not isinstance(payload, dict):
        raise cases.BadRequest("--data must be one JSON object")
    return payload


async def _send(
    session: Session, name: str, account: str, data: dict[str, Any], update_id: str | None
) -> dict[str, Any]:
    payload = cases.parse(name, data)
    queue = session.settings.task_queue
    if name in OPENING_SIGNALS:
        policy = session.parts.policy_for(account)
        client = await session.opening_client()
        how = await cases.open_or_join(client, account, name, payload, policy=policy, task_queue=queue)
        return {"sent": name, "case": how, "workflow_id": cases.workflow_id(account)}
    client = await session.client()
    if name in SIGNALS:
        await cases.signal(client, account, name, payload)
        return {"sent": name, "case": "joined", "workflow_id": cases.workflow_id(account)}
    if isinstance(payload, ReportCut):
        policy = session.parts.policy_for(account)
        return await cases.report_cut(client, account, payload, policy=policy, task_queue=queue, update_id=update_id)
    return await cases.update(client, account, name, payload, update_id=update_id)


def _show(name: str, result: dict[str, Any], out: Printer) -> None:
    if name in SIGNALS:
        how = {"opened": "已立案 case opened", "joined": "已并入在办案件 sent to the running case"}[result["case"]]
        out.say(f"{how}: {result['workflow_id']}")
        return
    unmet = result.get("unmet") or ()
    out.say("已答复 Answered" if result else "已受理 Done")
    out.fields((key, value) for key, value in result.items() if key != "unmet")
    for condition in unmet:
        out.say(f"  ✗ {condition['rule']} ({condition['clause']}) {condition['text_zh']} {condition['text_en']}")


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _bare(annotation: Any) -> Any:
    """The type without Annotated and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _bare(next(a for a in get_args(annotation) if a is not type(None)))
    return annotation


def _contract(annotation: Any) -> type[Contract] | None:
    kind = _bare(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, Contract) else None


def _is_json(kind: Any) -> bool:
    return get_origin(kind) is tuple or _contract(kind) is not None
