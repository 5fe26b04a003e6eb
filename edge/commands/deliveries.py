"""The command deliveries: what was sent, what waits, what was given up, and sending that again."""

from typing import Annotated, Any, get_args

import typer

from domain.record.deliveries import DELIVERY_STATES, GIVEN_UP_FOR, TRY_OUTCOMES, Delivery, DeliveryState
from domain.record.subjects import heading
from domain.vocabulary import Role
from edge.session import AsJson, Session, run
from edge.terminal import Printer

_SHOWN_TRIES = 4


def add_delivery_commands(app: typer.Typer) -> None:
    """deliveries, among the commands that read."""
    app.command("deliveries", rich_help_panel="Look")(_deliveries)


def _deliveries(
    account: Annotated[str | None, typer.Option(help="户号: messages about this account only")] = None,
    role: Annotated[str | None, typer.Option(help="messages to this role only, or to customer")] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="only what is still to be sent, the most urgent first")
    ] = False,
    given_up: Annotated[bool, typer.Option("--given-up", help="only what is not tried any more")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="queue again what --given-up, with the same options, would show")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """消息发送: what was sent to whom, when, by which channel; what waits, and what was given up."""
    roles = (*get_args(Role), "customer")
    if role is not None and role not in roles:
        raise typer.BadParameter(f"must be one of {', '.join(roles)}", param_hint="--role")
    if waiting and again:
        raise typer.BadParameter(
            "what waits is sent by itself; --again is for what was given up", param_hint="--waiting"
        )
    if waiting and given_up:
        raise typer.BadParameter("what waits was not given up: choose one of the two", param_hint="--waiting")
    state: DeliveryState | None = "waiting" if waiting else "given_up" if given_up or again else None

    nowhere: list[str] = []

    async def act(session: Session) -> dict[str, Any]:
        if session.settings.notify is None:
            nowhere.append(
                "未设 ARREARS_NOTIFY，消息不外发，办理事项见 worklist"
                " ARREARS_NOTIFY is not set: nothing is sent to anybody, and worklist has what is to be done."
            )
        found = session.parts.deliveries.deliveries(account, role, state, limit)
        queued = session.parts.outbox.send_again([one.message_key for one in found]) if again else ()
        return {"deliveries": found, "queued_again": queued}

    def show(result: dict[str, Any], out: Printer) -> None:
        (_show_queued if again else _show)(result, out)
        for note in nowhere:
            out.say(note)

    run(as_json, act, show)


def _show(result: dict[str, Any], out: Printer) -> None:
    out.table(
        "消息发送 Deliveries",
        ("时间 filed", "户号 account", "收件人 to", "事项 subject", "状态 state", "渠道 channels"),
        (
            (
                out.when(one.filed_at),
                one.account_id,
                " ".join(filter(None, (one.to_role, one.to_unit, one.to_person))),
                heading(one.subject) if one.subject else one.message_key,
                _state(one, out),
                _tries(one, out),
            )
            for one in result["deliveries"]
        ),
        empty="无消息 no messages",
    )


def _tries(one: Delivery, out: Printer) -> str:
    """The last ones: three days of tries would fill the screen."""
    earlier = len(one.tries) - _SHOWN_TRIES
    lines = [f"… 此前 {earlier} 次 earlier tries"] if earlier > 0 else []
    lines += [f"{out.when(t.at)} {t.channel}: {' '.join(TRY_OUTCOMES[t.outcome])}" for t in one.tries[-_SHOWN_TRIES:]]
    return "\n".join(lines)


def _state(one: Delivery, out: Printer) -> str:
    lines = [" ".join(DELIVERY_STATES[one.state])]
    if one.reason is not None:
        lines.append(" ".join(GIVEN_UP_FOR[one.reason]))
    at = one.given_up_at or one.again_at
    return "\n".join((*lines, out.when(at))) if at else "\n".join(lines)


def _show_queued(result: dict[str, Any], out: Printer) -> None:
    count = len(result["queued_again"])
    out.say(f"重新排队 queued again: {count}. 由运行中的工作进程发送 A worker that runs sends them.")
