"""Commands that only read: status, list, why, worklist, proof."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from client import cases
from client.problems import Misused, Problem
from domain.contract.tables import UPDATES
from domain.record.chain import AnchoredHead
from domain.record.rows import CaseRow
from domain.vocabulary import Role, Stage
from domain.words import OUTCOMES, STAGES, both_of
from edge.operations.carried_on import OpenCase, without_workflow
from edge.operations.proof import doubts_about, proof_of, write_pdf
from edge.session import Account, AsJson, Session, end_with, run
from edge.terminal import PAPER_STATES, Printer


def add_read_commands(app: typer.Typer) -> None:
    """In the order of the help."""
    for name, command in _COMMANDS.items():
        app.command(name, rich_help_panel="Look")(command)


def _status(account: Account, as_json: AsJson = False) -> None:
    """案件现状: where a case stands, whom it waits for, and by when."""

    async def act(session: Session) -> Any:
        client = await session.client(account)
        case = await cases.query(client, account, "snapshot")
        if (how := await cases.ended_by_force(client, account)) is None:
            return case
        # Its last words: nobody is waited for, and nothing will happen at a deadline.
        return {**case, "waiting_for": [], "next_deadline": None, "planned_cut_at": None, "workflow": how}

    run(as_json, act, _show_snapshot)


def _list(
    stage: Annotated[str | None, typer.Option(help=" | ".join(get_args(Stage)))] = None,
    role: Annotated[str | None, typer.Option(help="cases that wait for this role")] = None,
    centre: Annotated[str | None, typer.Option(help="抄表中心 reading centre")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="only cases not closed")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    after: Annotated[str, typer.Option(help="go on after this case key (`next` of the page before)")] = "",
    as_json: AsJson = False,
) -> None:
    """案件清单: cases as the register has them, in order of account."""
    _one_of("--stage", stage, get_args(Stage))
    _one_of("--role", role, get_args(Role))

    async def act(session: Session) -> dict[str, Any]:
        try:
            rows = session.parts.reader.list_cases(stage, role, centre, open_only, limit, after)
        except ValueError as problem:
            raise Misused("Usage", f"--after: {problem}") from problem
        open_ones = [OpenCase(row.case_key, row.workflow_id) for row in rows if row.closed_at is None]
        alone = await without_workflow(session, open_ones)
        result = {"cases": rows, "next": rows[-1].case_key if len(rows) == limit else None}
        return result if alone == () else {**result, "without_workflow": alone}

    def show(result: dict[str, Any], out: Printer) -> None:
        alone = result.get("without_workflow", ())

        def line(row: CaseRow) -> tuple[object, ...]:
            """One case; of one that no workflow carries on, nothing is planned and nobody awaited."""
            goes_on = row.case_key not in (alone or ())
            return (
                row.account_id,
                both_of(STAGES, row.stage) if goes_on else f"{both_of(STAGES, row.stage)} ({_TERMINATED})",
                both_of(OUTCOMES, row.outcome) if row.outcome else "",
                row.owed,
                out.when(row.planned_cut_at) if goes_on and row.stage != "closed" else "",
                ", ".join(dict.fromkeys(task.role for task in row.tasks)) if goes_on else "",
            )

        out.table(
            "案件 Cases",
            ("户号 account", "阶段 stage", "结果 outcome", "欠费 owed", "计划停电 planned cut", "等候 waits for"),
            map(line, result["cases"]),
            empty="无此类案件 no such case",
        )
        if alone:
            out.say(f"{_TERMINATED}: {len(alone)}; {_WHAT_NOW}")
        if alone is None:
            out.say(
                "Temporal 未应答，未能核对案件是否被终止 Temporal gives no answer: terminated cases are not marked."
            )
        if result["next"]:
            out.say(f"更多 more: --after {result['next']}")

    run(as_json, act, show)


def _why(account: Account, as_json: AsJson = False) -> None:
    """为何不能停电: every condition for a cut that is not met, with its clause."""

    async def act(session: Session) -> dict[str, Any]:
        client = await session.client(account)
        unmet = await cases.query(client, account, "why_not_cut")
        how = await cases.ended_by_force(client, account)
        return {"account_id": account, "unmet": unmet} | ({"workflow": how} if how else {})

    def show(result: dict[str, Any], out: Printer) -> None:
        if "workflow" in result:
            out.say(f"{_ended(result['workflow'])} 不会再据此停电 It cuts nobody any more.")
            return
        if not result["unmet"]:
            out.say("条件均已具备，仅待现场许可时向营销系统核实 Only billing's answer at the permit remains.")
            return
        out.table(
            f"户号 {account} 不得停电的原因 Why it may not be cut",
            ("规则 rule", "条款 clause", "原因", "reason"),
            ((c["rule"], c["clause"], c["text_zh"], c["text_en"]) for c in result["unmet"]),
        )

    run(as_json, act, show)


def _worklist(
    role: Annotated[str, typer.Option(help=" | ".join(get_args(Role)), show_default=False)],
    unit: Annotated[str | None, typer.Option(help="tasks of this unit only")] = None,
    person: Annotated[str | None, typer.Option(help="tasks of this person only")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 500,
    as_json: AsJson = False,
) -> None:
    """待办: what a role must do, nearest deadline first."""
    _one_of("--role", role, get_args(Role))

    async def act(session: Session) -> dict[str, Any]:
        items = session.parts.reader.worklist(role, unit, person, limit)
        of_cases = {OpenCase(i.case_key, cases.workflow_id(i.account_id)) for i in items if i.act in UPDATES}
        alone = await without_workflow(session, sorted(of_cases))
        return {"role": role, "items": items} | ({"without_workflow": alone} if alone else {})

    def show(result: dict[str, Any], out: Printer) -> None:
        out.table(
            f"待办 Worklist: {role}",
            ("期限 by", "户号 account", "命令 command", "编号 id", "单位 unit", "人员 person", "事项 task"),
            (
                (
                    out.when(item.by),
                    item.account_id,
                    item.act.replace("_", "-"),
                    item.about,
                    item.unit,
                    item.person,
                    f"{item.text_zh}\n{item.text_en}",
                )
                for item in result["items"]
            ),
            empty="无待办 nothing to do",
        )
        if alone := result.get("without_workflow"):
            accounts = sorted({item.account_id for item in result["items"] if item.case_key in alone})
            out.say(f"{_TERMINATED}, 其事项无人等候 nobody awaits these tasks: {', '.join(accounts)}; {_WHAT_NOW}")

    run(as_json, act, show)


def _proof(
    account: Account,
    case: Annotated[str | None, typer.Option(help="the key of an earlier case; left out, the latest")] = None,
    anchor: Annotated[
        str | None, typer.Option(help="LENGTH:HEAD of the record as noted down earlier; left out, ARREARS_ANCHOR")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write it as a PDF too, in the language of papers")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """证明: the case's evidence, rule by rule, and whether record and papers are as they were."""
    noted = _anchor(anchor)
    doubts: list[Problem] = []

    async def act(session: Session) -> dict[str, Any]:
        proof = proof_of(session.parts, account, case, noted)
        doubts.extend(doubts_about(proof))
        written = {"pdf": write_pdf(session.parts, proof, pdf)} if pdf else {}
        return proof.as_result() | written

    run(as_json, act, _show_proof)
    end_with(doubts, as_json)


def _anchor(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    length, _, head = text.partition(":")
    if not length.isdecimal() or not re.fullmatch("[0-9a-f]{64}", head):
        raise typer.BadParameter(
            "must be LENGTH:HEAD with all 64 digits of the head, as proof --json has them", param_hint="--anchor"
        )
    return int(length), head


_VERDICTS = {"met": "✓ 符合 met", "not_reached": "– 未及 not reached", "breached": "✗ 违反 breached"}


def _show_proof(result: dict[str, Any], out: Printer) -> None:
    out.table(
        f"户号 {result['account_id']} 逐条核对 The case, rule by rule",
        ("规则 rule", "条款 clause", "要求 requirement", "结论 verdict", "时间 at", "何人 by", "证据 evidence"),
        (
            (
                line.rule,
                line.clause,
                f"{line.title_zh} {line.title_en}",
                _VERDICTS[line.verdict],
                out.when(line.at),
                line.by,
                len(line.evidence) or "",
            )
            for line in result["rules"]
        ),
    )
    if result["policy"] != result["judged_by"]:
        out.say(
            f"注意：案件适用 {result['policy']}，此处按 {result['judged_by']} 核对"
            " Note: the case was opened under another policy than it is judged by here."
        )
    for one in result["without_supply"]:
        out.say(f"{one.text_zh} {one.text_en}")
    record = result["record"]
    if record.intact:
        out.say(f"记录完整 The record is intact: {record.length}:{record.head}")
    else:
        out.say(f"记录被改动 The record is NOT intact, entry {record.broken_at}: {record.reason_zh} {record.reason_en}")
    match result["anchor"]:
        case AnchoredHead(state="anchored" | "not_yet", number=number, at=at, length=length):
            out.say(f"锚定 Anchored: {length or 0} 条 entries, 第 {number} 次 no. {number}, {out.when(at)}")
        case AnchoredHead(state="missing" | "broken", reason_zh=zh, reason_en=en):
            out.say(f"锚定有误 Anchor NOT to be relied on: {zh} {en}")
    lost = [paper for paper in result["papers"] if paper.state != "intact"]
    for paper in lost:
        out.say(f"文书{PAPER_STATES[paper.state]}: {paper.key} (ARREARS_DOCUMENTS)")
    if result["papers"] and not lost:
        out.say(f"文书完好 All papers are intact: {len(result['papers'])}")
    if "pdf" in result:
        out.say(f"已写入 written: {result['pdf']['file']} (SHA-256 {result['pdf']['sha256']})", soft_wrap=True)


def _one_of(option: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise typer.BadParameter(f"must be one of {', '.join(allowed)}", param_hint=option)


_TERMINATED = "工作流已终止 terminated"
_WHAT_NOW = "starter.py doctor, overdue, close-row; docs/runbook.md, section 4"


def _ended(how: str) -> str:
    """That nothing carries a case on; `how` its workflow ended, in Temporal's word."""
    en = f"The workflow was {how.replace('_', ' ')}: nothing carries this case on ({_WHAT_NOW})."
    return f"工作流已被终止，案件不再推进 {en}"


def _show_snapshot(case: dict[str, Any], out: Printer) -> None:
    if "workflow" in case:
        out.say(_ended(case["workflow"]))
    if "account_id" not in case:  # read before its account was
        out.say(f"正在立案或未立案 Not open: {case.get('reason', '')}")
        return
    outcome = case.get("outcome")
    out.fields(
        (
            ("户号 account", case["account_id"]),
            ("阶段 stage", both_of(STAGES, case["stage"])),
            ("结果 outcome", both_of(OUTCOMES, outcome) if outcome else None),
            ("欠费 owed", case["owed"]),
            ("违约金 late fee", case["late_fee"]),
            ("截至 as of", out.when(case.get("as_of"))),
            ("计划停电 planned cut", out.when(case.get("planned_cut_at"))),
            ("停电 cut", out.when(case.get("cut_at"))),
            ("结清 settled", out.when(case.get("settled_at"))),
            ("复电期限 restore by", out.when(case.get("restore_due_by"))),
            ("复电 restored", out.when(case.get("restored_at"))),
            ("下一期限 next deadline", out.when(case.get("next_deadline"))),
        )
    )
    for key, title, columns in (
        ("bills", "账单 Bills", ("bill_id", "due_date", "amount", "outstanding")),
        ("notices", "通知 Notices", ("notice_id", "kind", "state", "amount", "delivered_at", "deadline", "cut_at")),
        ("approvals", "审批 Approvals", ("notice_id", "role", "decision", "by", "at")),
        ("tickets", "工作票 Tickets", ("ticket_id", "kind", "state", "meter_id", "sent_at")),
        ("escalations", "上报 Escalations", ("escalation_id", "rung", "state")),
        ("holds", "暂停 Holds", ("hold_id", "kind", "reason", "placed_at", "until", "ended_at")),
        ("incidents", "违纪 Incidents", ("incident_id", "kind", "at", "outcome")),
        ("waiting_for", "等候 Waiting for", ("role", "act", "id", "by")),
    ):
        if rows := case.get(key):
            out.table(title, columns, ([_cell(row.get(column), out) for column in columns] for row in rows))


def _cell(value: Any, out: Printer) -> str | None:
    text = None if value is None else str(value)
    return out.when(text) if text and len(text) > 18 and text[10] == "T" else text


_COMMANDS: dict[str, Callable[..., None]] = {
    "status": _status,
    "list": _list,
    "why": _why,
    "worklist": _worklist,
    "proof": _proof,
}
