"""Commands for a moratorium: declare and lift, each with --dry-run; the register first, then the running cases."""

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from client.cases import BadRequest, NoAnswer, TemporalUnavailable, checked
from client.problems import NotThere, Problem
from domain.ids import same_id, spelled_like
from domain.law.policy_choice import known_policies
from domain.record.moratorium import Moratorium
from domain.words import SCOPES, name_of
from edge.operations.moratorium import PATIENCE_SECONDS, Act, Notification, preview_declaring, preview_lifting
from edge.session import AsJson, Session, run
from edge.terminal import Printer, bars

moratorium = typer.Typer(help="暂缓停电: standing orders not to cut")

DryRun = Annotated[bool, typer.Option("--dry-run", help="say what it would do, and do nothing")]
Patience = Annotated[float, typer.Option(min=0, help="seconds to wait for the cases' answer while none comes in")]
_BARS = {"batch": "批量通知 batch", "confirmed": "案件确认 confirmed"}


@moratorium.command("declare")
def _declare(
    scope: Annotated[Literal["region", "class", "centre"], typer.Option(help="what VALUE names", show_default=False)],
    value: Annotated[str, typer.Option(help="the region, customer class or reading centre", show_default=False)],
    reason: Annotated[str, typer.Option(show_default=False)],
    by: Annotated[str, typer.Option(help="id of the person who orders it", show_default=False)],
    starts_at: Annotated[str | None, typer.Option(help="RFC 3339 time with an offset; left out, now")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 time with an offset; left out, until lifted")] = None,
    moratorium_id: Annotated[
        str | None, typer.Option("--id", help="the same id again notifies the cases that have not confirmed yet")
    ] = None,
    dry_run: DryRun = False,
    patience: Patience = PATIENCE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """宣布: nobody in this region, class or centre is cut off."""

    async def act(session: Session) -> dict[str, Any]:
        now = session.now()
        asked = {
            "moratorium_id": moratorium_id or f"moratorium-{uuid.uuid4()}",
            "scope": scope,
            "value": value,
            "reason": reason,
            "starts_at": starts_at or now,
            "until": until,
            "declared_by": by,
            "declared_at": now,
        }
        order: Moratorium = checked(Moratorium, asked)
        if order.until is not None and order.until <= max(now, order.starts_at):
            raise BadRequest("until: must lie ahead, and after starts_at", "until")
        if dry_run:
            parts = session.parts
            preview = preview_declaring(parts.moratoria, order, known_policies(parts.policies), parts.policy)
            return preview | _of_none(session, order)
        await session.compare_keys()
        unknown = _of_none(session, order)
        order = _register(session, order)
        if order.starts_at > now:  # a hold placed by signal would stand from now on
            return {"moratorium_id": order.moratorium_id, "registered": True, "starts_at": order.starts_at} | unknown
        return {"registered": True} | await _notify(session, order, "declare", by, patience) | unknown

    def show(result: dict[str, Any], out: Printer) -> None:
        if dry_run:
            _show_preview(result, out)
        else:
            _show("已登记 registered", result, out)
        if "on_record" in result:
            out.say(_unknown_value(scope, value, result["on_record"]))

    run(as_json, act, show)


@moratorium.command("lift")
def _lift(
    moratorium_id: Annotated[str, typer.Argument(show_default=False)],
    by: Annotated[str, typer.Option(help="id of the person who lifts it", show_default=False)],
    dry_run: DryRun = False,
    patience: Patience = PATIENCE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """解除: the order no longer stands; again, it notifies the cases that have not confirmed yet."""

    async def act(session: Session) -> dict[str, Any]:
        parts = session.parts
        order = parts.moratoria.one(moratorium_id)
        if order is None:
            raise Problem("UnknownMoratorium", f"the register has no moratorium {moratorium_id}")
        if dry_run:
            return preview_lifting(parts.moratoria, order, parts.register.capacity.of)
        await session.compare_keys()
        parts.register.lift_moratorium(moratorium_id, by, session.now())
        return {"lifted": True} | await _notify(session, order, "lift", by, patience)

    def show(result: dict[str, Any], out: Printer) -> None:
        if dry_run:
            _show_spread(result, out)
        else:
            _show("已解除 lifted", result, out)

    run(as_json, act, show)


def _of_none(session: Session, order: Moratorium) -> dict[str, Any]:
    """What there is on record, where no case ever was of the region, class or centre: it may be spelled otherwise."""
    there = session.parts.moratoria.on_record(order.scope)
    known = bool(spelled_like(order.value, there)) if order.scope == "centre" else order.value in there
    return {} if known else {"on_record": list(there)}


def _register(session: Session, order: Moratorium) -> Moratorium:
    """Write it down, once per id; what stands there under the id is what counts, and must say the same."""
    when = session.printer.when
    session.parts.register.declare_moratorium(order)
    there = session.parts.moratoria.one(order.moratorium_id)
    assert there is not None
    if there.lifted_at is not None:
        raise Problem(
            "AlreadyLifted",
            f"moratorium {there.moratorium_id} was lifted at {when(there.lifted_at)}; declare another, with an id of "
            "its own",
            {"field": "id"},
        )
    same_value = there.value == order.value or (order.scope == "centre" and same_id(there.value, order.value))
    if (there.scope, there.until) != (order.scope, order.until) or not same_value:
        until = f" until {when(there.until)}" if there.until else ""
        raise Problem(
            "AlreadyDeclared",
            f"moratorium {there.moratorium_id} stands for {there.scope} {there.value}{until}, and its wording does not "
            "change; lift it, and declare another with an id of its own",
            {"field": "id"},
        )
    return there


async def _notify(session: Session, order: Moratorium, act: Act, by: str, patience: float) -> dict[str, Any]:
    try:
        notification = Notification(
            client=await session.client(),
            book=session.parts.moratoria,
            order=order,
            act=act,
            by=by,
            task_queue=session.settings.task_queue,
            encrypted=session.settings.payload_keys is not None,
            patience=patience,
        )
        with bars(_BARS) as (progress, _say):
            notified = await notification.send(progress)
    except (TemporalUnavailable, NoAnswer) as problem:
        done = "is in the register and obeyed at every check" if act == "declare" else "is lifted in the register"
        again = "the same command with" if act == "declare" else "the same command for"
        raise NotThere(
            problem.type,
            f"moratorium {order.moratorium_id} {done}, but the running cases were not all notified: {problem.message} "
            f"Then give {again} the id {order.moratorium_id} again.",
            {"moratorium_id": order.moratorium_id},
        ) from problem
    return {"moratorium_id": order.moratorium_id} | asdict(notified)


# ---- showing ----------------------------------------------------------------------------------


def _show(label: str, result: dict[str, Any], out: Printer) -> None:
    if "cases" not in result:
        starts = f"{out.when(result['starts_at'])} 起生效；到时以同一编号再执行一次，即刻通知在办案件。"
        out.fields(
            (
                (label, result["moratorium_id"]),
                ("", f"{starts} Obeyed from then on; the same command then notifies the running cases at once."),
            )
        )
        return
    batch = result["batch"]
    out.fields(
        (
            (label, result["moratorium_id"]),
            ("范围内在办 cases covered", str(result["cases"])),
            ("批量任务 batch job", batch and _batch_summary(result["job_id"], batch)),
            ("逐户通知 notified one by one", str(result["signalled"])),
            ("案件已确认 confirmed", str(result["confirmed"])),
            ("尚未确认 not confirmed yet", ", ".join(result["unconfirmed"])),
            ("无工作流 without a workflow", ", ".join(result["without_workflow"])),
        )
    )


def _batch_summary(job: str, batch: dict[str, Any]) -> str:
    note = f" ({batch['note']})" if batch["note"] else ""
    return f"{job}: {batch['state']}, {batch['reached']} reached, {batch['failed']} failed{note}"


def _unknown_value(scope: str, value: str, there: list[str]) -> str:
    zh, en = (name_of(SCOPES, scope, language) for language in ("zh", "en"))
    known = ", ".join(there) or "无 none"
    return (
        f"注意：从未有案件属于{zh} {value}，请核对写法；登记中有：{known}\n"
        f"Note: no case ever was of {en} {value}; see whether it is spelled so. On record are: {known}"
    )


def _show_preview(result: dict[str, Any], out: Printer) -> None:
    out.say("试运行，未写入任何内容 Dry run: nothing was written.")
    out.fields((("范围内在办 cases covered", str(result["cases"])),))
    rows: list[tuple[str, datetime, str]] = [(c["account_id"], c["cut_at"], c["stage"]) for c in result["cuts"]]
    if rows:
        out.table(
            f"将取消的停电 cuts that fall away: {len(rows)}",
            ("户号 account", "计划停电 planned", "阶段 stage"),
            ((account, out.when(at), stage) for account, at, stage in sorted(rows, key=lambda row: (row[1], row[0]))),
        )
    if result["assumed"]:
        out.say(
            f"适用规则未知，按默认规则推算 judged by the default policy, for theirs is not known here: "
            f"{', '.join(result['assumed'])}"
        )
    if result["permits"]:
        out.table(
            f"在场许可 permits out: {len(result['permits'])}",
            ("户号 account", "许可 permit", "有效至 valid until"),
            ((p["account_id"], p["permit_id"], out.when(p["valid_until"])) for p in result["permits"]),
        )


def _show_spread(result: dict[str, Any], out: Printer) -> None:
    out.say("试运行，未写入任何内容 Dry run: nothing was written.")
    out.fields((("暂缓中 cases held", str(result["held"])),))
    out.table(
        "重新排期 new cut times",
        ("供电单位 field unit", "案件 cases", "每日上限 a day", "至少天数 days at least"),
        ((u["field_unit"], u["cases"], u["a_day"] or "不限 no limit", u["days"]) for u in result["units"]),
        empty="无须重新排期 no case is held by it",
    )
