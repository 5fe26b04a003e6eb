"""Commands for operators: moratorium declare and lift, schedules install, anchor, close-row, serve."""

import importlib
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import typer
from pydantic import ValidationError

from activities.anchor import AnchorBroken
from domain.filed import Moratorium
from domain.model import Actor, Contract, Role
from edge.cases import BadRequest
from edge.close_row import close_rows
from edge.output import REFUSED, Misused, Problem, print_fields, print_problem
from edge.schedules import install_daily_sweep, install_evidence_anchor
from edge.session import Account, AsJson, Session, run

C = TypeVar("C", bound=Contract)

_PANEL = "Operate"
_LATER = (
    "已登记，在各次核查时生效；在办案件不会立即收到通知。"
    " Written to the register, and obeyed when a case opens, at T − 24 h, at T − 30 min and at the permit;"
    " running cases are not told at once in this version."
)

moratorium = typer.Typer(help="暂缓停电: standing orders not to cut")
schedules = typer.Typer(help="定时任务: what runs by itself")


@moratorium.command("declare")
def _declare(
    scope: Annotated[Literal["region", "class", "centre"], typer.Option(help="what VALUE names", show_default=False)],
    value: Annotated[str, typer.Option(help="the region, customer class or reading centre", show_default=False)],
    reason: Annotated[str, typer.Option(show_default=False)],
    by: Annotated[str, typer.Option(help="id of the person who orders it", show_default=False)],
    starts_at: Annotated[str | None, typer.Option(help="RFC 3339 time with an offset; left out, now")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 time with an offset; left out, until lifted")] = None,
    moratorium_id: Annotated[str | None, typer.Option("--id", help="the same id again changes nothing")] = None,
    as_json: AsJson = False,
) -> None:
    """宣布: nobody in this region, class or centre is cut off."""

    async def act(session: Session) -> dict[str, Any]:
        now = session.now()
        order = _checked(
            Moratorium,
            moratorium_id=moratorium_id or f"moratorium-{uuid.uuid4()}",
            scope=scope,
            value=value,
            reason=reason,
            starts_at=starts_at or now,
            until=until,
            declared_by=by,
            declared_at=now,
        )
        session.parts.register.declare_moratorium(order)
        return {"moratorium_id": order.moratorium_id, "registered": True, "running_cases_told": False}

    run(as_json, act, _show)


@moratorium.command("lift")
def _lift(
    moratorium_id: Annotated[str, typer.Argument(show_default=False)],
    by: Annotated[str, typer.Option(help="id of the person who lifts it", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """解除: the order no longer stands."""

    async def act(session: Session) -> dict[str, Any]:
        if not session.parts.register.lift_moratorium(moratorium_id, by, session.now()):
            raise Problem("UnknownMoratorium", f"the register has no moratorium {moratorium_id}")
        return {"moratorium_id": moratorium_id, "lifted": True, "running_cases_told": False}

    run(as_json, act, lambda result: print_fields((("已解除 lifted", result["moratorium_id"]),)))


@schedules.command("install")
def _install(
    at: Annotated[str, typer.Option(help="HH:MM in the policy's time zone")] = "05:30", as_json: AsJson = False
) -> None:
    """安装: the daily sweep (III.2), and where ARREARS_ANCHOR is set the anchoring; again, brought up to date."""
    try:
        hour, minute = datetime.strptime(at, "%H:%M").timetuple()[3:5]  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise typer.BadParameter("must be a time such as 05:30", param_hint="--at") from None

    async def act(session: Session) -> dict[str, Any]:
        zone = session.parts.policy.timezone
        client = await session.opening_client()
        how = await install_daily_sweep(client, session.settings.task_queue, zone, hour, minute)
        result = {"schedule": "daily-sweep", "done": how, "at": f"{hour:02}:{minute:02}", "timezone": zone}
        if session.parts.anchor is not None:
            queue = session.settings.task_queue
            result["evidence_anchor"] = await install_evidence_anchor(client, queue, zone, hour, minute)
        return result

    def show(result: dict[str, Any]) -> None:
        print_fields(
            (
                ("定时任务 schedule", result["schedule"]),
                ("结果 done", result["done"]),
                ("锚定 evidence-anchor", result.get("evidence_anchor")),
                ("每日 daily at", f"{result['at']} {result['timezone']}"),
            )
        )

    run(as_json, act, show)


def add_operate_commands(app: typer.Typer) -> None:
    """moratorium, schedules, anchor, close-row and serve, in this order in the help."""
    app.add_typer(moratorium, name="moratorium", rich_help_panel=_PANEL)
    app.add_typer(schedules, name="schedules", rich_help_panel=_PANEL)
    app.command("anchor", rich_help_panel=_PANEL)(_anchor)
    app.command("close-row", rich_help_panel=_PANEL)(_close_row)
    app.command("serve", rich_help_panel=_PANEL)(_serve)


def _anchor(
    check: Annotated[bool, typer.Option("--check", help="only check what is anchored, and write nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """锚定: the head of every evidence chain into the signed file ARREARS_ANCHOR, outside the register."""
    rebuilt: list[str] = []

    async def act(session: Session) -> dict[str, Any]:
        try:
            return _anchored(session, check, rebuilt)
        except (AnchorBroken, OSError) as problem:
            raise Problem("AnchorBroken", str(problem)) from problem

    def show(result: dict[str, Any]) -> None:
        print_fields(
            (
                ("次数 number", result["number"]),
                ("时间 at", result["at"]),
                ("户数 accounts", str(result["accounts"])),
                ("记录条数 entries", str(result["entries"])),
                ("摘要 digest", result["heads"]),
                ("公钥 public key", result["public_key"]),
                ("被重建 rebuilt", ", ".join(rebuilt)),
            )
        )

    run(as_json, act, show)
    if rebuilt:
        sentence = "the evidence of these accounts was rebuilt since it was anchored; proof shows where"
        print_problem(Problem("ChainRebuilt", sentence, {"accounts": rebuilt}), as_json)
        raise typer.Exit(REFUSED)


def _anchored(session: Session, check: bool, rebuilt: list[str]) -> dict[str, Any]:
    place = session.parts.anchor
    if place is None:
        raise Misused("Configuration", "ARREARS_ANCHOR is not set: it names the file in which heads are anchored")
    if check:
        line = place.check()
    elif not place.signs:
        raise Misused("Configuration", "ARREARS_ANCHOR_KEY is not set: without it what is anchored can only be checked")
    else:
        line = place.anchor(session.now())
    if line is None:
        raise Problem("NotAnchored", f"nothing is anchored in {place.file.path}")
    rebuilt.extend(line.broken)
    return line.model_dump(mode="json") | {"public_key": place.public_keys[0]}


def _close_row(
    account: Account,
    reason: Annotated[str, typer.Option(help="why its case was ended in Temporal", show_default=False)],
    by: Annotated[str, typer.Option(help="id of the person who closes it", show_default=False)],
    role: Annotated[Role, typer.Option(help="that person's role")] = "operator",
    outcome: Annotated[str | None, typer.Option(help="what came of its open incidents, if it has any (III.4)")] = None,
    as_json: AsJson = False,
) -> None:
    """销行: take a case off the lists that somebody ended in Temporal; doctor names them."""

    async def act(session: Session) -> dict[str, Any]:
        actor = _checked(Actor, id=by, role=role)
        return await close_rows(session, account, actor, reason, outcome)

    def show(result: dict[str, Any]) -> None:
        print_fields((("已销 closed", ", ".join(result["closed"])),))

    run(as_json, act, show)


def _serve(
    host: Annotated[str | None, typer.Option(help="left out, ARREARS_CONSOLE_HOST", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="left out, ARREARS_CONSOLE_PORT", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """网络接口: signed billing events and the codec server over HTTP, until Ctrl-C."""

    async def act(session: Session) -> dict[str, Any]:
        # Loaded on demand: no other command needs a web server.
        await importlib.import_module("console.serve").serve(session, host, port)
        return {"stopped": True}

    run(as_json, act, lambda _result: None)


def _checked(model: type[C], **values: Any) -> C:
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = str(first["loc"][0])
        raise BadRequest(f"{field}: {first['msg'].removeprefix('Value error, ')}", field) from None


def _show(result: dict[str, Any]) -> None:
    print_fields((("编号 id", result["moratorium_id"]), ("", _LATER)))
