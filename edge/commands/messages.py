"""One command for each signal and update, made from the tables of the contract: flags are the payload's fields."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from client import cases, holds
from client.problems import Misused, Problem
from domain.contract.signals import HoldLifted, HoldPlaced
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
            # Before the JSON of the whole: nobody types that by choice.
            found[-1:-1] = [(f"{name}_{part}", (name, part)) for part in inner.model_fields]
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
    elif _contract(kind) is not None:
        text, metavar = f"in place of {flag}-…, as JSON", "JSON"
    elif _is_json(kind):
        text, metavar = "as JSON", "JSON"
    else:
        text, metavar = "", None
    of_a_required = payload.model_fields[path[0]].is_required()
    if info.is_required() and of_a_required and (_contract(kind) is None or kind is Policy):
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
    actor = spec.payload.model_fields.get("actor")
    if actor is not None and actor.is_required() and "actor" not in payload:
        roles = " or ".join(spec.roles)
        raise cases.BadRequest(
            f"actor: say who acts: --actor-id and --actor-role{f' ({roles})' if roles else ''}", "actor"
        )
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
        easier = ""
        if (inner := _contract(kind)) is not None:
            flag = _kebab("--" + "_".join(path))
            easier = "; easier: " + " ".join(
                f"{flag}-{_kebab(name)} …" for name, part in inner.model_fields.items() if part.is_required()
            )
        raise cases.BadRequest(f"{field}: must be JSON ({problem}){easier}", field) from None


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
        client = await session.opening_client(account)
        how = await cases.open_or_join(client, account, name, payload, policy=policy, task_queue=queue)
        return {"sent": name, "case": how, "workflow_id": cases.workflow_id(account)}
    client = await session.client(account)
    if isinstance(payload, HoldPlaced | HoldLifted):
        stands = await holds.send(client, account, name, payload)
        return {"sent": name, "case": "joined", "workflow_id": cases.workflow_id(account), "confirmed": stands}
    if name in SIGNALS:
        await cases.signal(client, account, name, payload)
        return {"sent": name, "case": "joined", "workflow_id": cases.workflow_id(account)}
    if isinstance(payload, ReportCut):
        policy = session.parts.policy_for(account)
        return await cases.report_cut(client, account, payload, policy=policy, task_queue=queue, update_id=update_id)
    return await cases.update(client, account, name, payload, update_id=update_id)


_CONFIRMED = "案件已照办 The case has taken it."
_NOT_CONFIRMED = "案件尚未确认，稍后以 status 核实 The case has not confirmed it yet: status shows whether it has."


def _show(name: str, result: dict[str, Any], out: Printer) -> None:
    if name in SIGNALS:
        how = {"opened": "已立案 case opened", "joined": "已并入在办案件 sent to the running case"}[result["case"]]
        out.say(f"{how}: {result['workflow_id']}")
        if "confirmed" in result:
            out.say(_CONFIRMED if result["confirmed"] else _NOT_CONFIRMED)
        return
    unmet = result.get("unmet") or ()
    out.say("已答复 Answered" if result else "已受理 Done")
    out.fields((_LABELS.get(key, key), _answer(value, out)) for key, value in result.items() if key != "unmet")
    for condition in unmet:
        out.say(f"  ✗ {condition['rule']} ({condition['clause']}) {condition['text_zh']} {condition['text_en']}")


_LABELS = {
    "served": "送达成立 served",
    "void_reason": "作废原因 void because",
    "granted": "准许 granted",
    "still_needed": "尚待审批 still needed",
    "told": "已告知 customer notified",
    "permit_id": "许可 permit",
    "valid_until": "有效至 valid until",
    "lawful": "合规 lawful",
    "incident_id": "事件 incident",
    "ticket_id": "工作票 ticket",
    "still_owing": "尚欠 still owing",
    "amount": "欠费 amount",
    "late_fee": "违约金 late fee",
    "counted": "计入 counted",
    "why": "原因 why",
    "policy": "适用规则 policy",
    "before": "此前规则 before",
    "keeps_its_terms": "仍按原规则 keep their terms",
}
"""What a person reads for a field of an answer; --json has its own name."""


def _answer(value: Any, out: Printer) -> Any:
    """A field of an answer as a person reads it: yes and no, local times, lists without brackets."""
    match value:
        case bool():
            return "是 yes" if value else "否 no"
        case list() | tuple():
            return ", ".join(str(_answer(one, out)) for one in value)
        case dict():
            return ", ".join(f"{_LABELS.get(key, key)} {_answer(inner, out)}" for key, inner in value.items())
        case str() if len(value) > 18 and value[10] == "T":
            return out.when(value)
    return value


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
