"""Commands about policies: check a file, compare two, replay the recorded cases under another. None changes a case."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer

from client.problems import Problem
from composition.parts import register_to_read
from domain.law.calendar import Calendar
from domain.law.policy import Policy
from domain.law.policy_choice import Policies, known_policies, load_policies
from domain.law.policy_file import PolicyError, PolicyProblem, load_policy
from domain.law.policy_keys import BELOW_THE_REGULATION, TERMS, differences, term_of
from domain.record.case_file import CaseFile
from domain.replay.policy_replay import Replayed, replay
from edge.session import AsJson, Session, run
from edge.terminal import Printer, print_json, print_problem

_PAGE = 500
_FILE = typer.Argument(help="a pack of policies/, a policy file, or a file that chooses", show_default=False)
_PACK = typer.Argument(help="a pack of policies/ or a policy file", show_default=False)
ASSUMED = (
    "Everybody acts as recorded: a notice takes as long to deliver, a refusal to be acknowledged, a level to approve,"
    " the crew to come; customers pay on the dates on which they paid, even if they paid because they were cut off.",
    "Levels of approval that only the other policy asks for decide as the others did, and as quickly.",
    "Where nobody was cut off and the acts that would have followed are not on record, they are taken as done in time:"
    " `possible` is the most that could have happened.",
    "Holds, promises and plans are not moved: an attempt that meets one cannot be replayed.",
    "Holidays are those known today.",
)

policy = typer.Typer(help="规则: policies checked, compared, replayed")


def add_policy_commands(app: typer.Typer) -> None:
    """policy check, diff, replay."""
    app.add_typer(policy, name="policy", rich_help_panel="Operate")


@policy.command("check")
def _check(file: Annotated[str, _FILE], as_json: AsJson = False) -> None:
    """校验: whether a policy may be used; each error with its key, line, rule and clause."""
    policies = _loaded(file, as_json)
    notes = [note for one in policies.every for note in _notes(one)]
    result = {"file": file, "policies": [one.label for one in policies.every], "notes": notes}
    if as_json:
        return print_json(result)
    out = Printer()
    out.say(f"可以使用 It may be used: {', '.join(result['policies'])}")
    for note in notes:
        out.say(f"注意 Note: {note}")


@policy.command("diff")
def _diff(first: Annotated[str, _PACK], second: Annotated[str, _PACK], as_json: AsJson = False) -> None:
    """比较: key by key what the second has otherwise than the first, by which clause, and what that means."""
    one, other = _one(first, as_json), _one(second, as_json)
    found = differences(one, other)
    if as_json:
        return print_json({"before": one.label, "after": other.label, "differences": found})
    Printer().table(
        f"{one.label} → {other.label}",
        ("键 key", "规则 rule", "条款 clause", one.label, other.label, "含义 meaning"),
        ((d.key, d.rule, d.clause, _value(d.before), _value(d.after), f"{d.text_zh}\n{d.text_en}") for d in found),
        empty="规则相同 no difference but in name and version",
    )


@policy.command("replay", epilog=" ".join(ASSUMED))
def _replay(
    file: Annotated[str, _FILE],
    account: Annotated[list[str] | None, typer.Option(help="only this account; may be given again")] = None,
    as_json: AsJson = False,
) -> None:
    """重演: what this policy would have done to the recorded and the running cases; none of them is touched.

    From the recorded times the earliest lawful ones under the other policy are computed, procedure by procedure.
    """
    policies = _loaded(file, as_json)

    async def act(session: Session) -> dict[str, Any]:
        found = [line for case in _files(session, account) for line in _replayed(session, case, policies)]
        labels = [one.label for one in policies.every]
        return {"policies": labels, "assumed": ASSUMED, "totals": totals(found), "cases": found}

    run(as_json, act, _show)


def _files(session: Session, accounts: list[str] | None) -> Iterator[CaseFile]:
    """Every case of the register, or of these accounts, one at a time."""
    reader = register_to_read(session.settings)
    try:
        if accounts:
            for account in dict.fromkeys(accounts):
                keys = reader.case_keys(account)
                if not keys:
                    raise Problem("NoCase", f"the register has no case of account {account}")
                yield from (f for key in keys if (f := reader.case_file(account, key)))
            return
        after = ""
        while rows := reader.list_cases(limit=_PAGE, after=after):
            yield from (f for row in rows if (f := reader.case_file(row.account_id, row.case_key)))
            after = rows[-1].case_key
    finally:
        reader.engine.dispose()


def _replayed(session: Session, file: CaseFile, policies: Policies) -> tuple[Replayed, ...]:
    chosen = policies.fitting(file.case.customer_class, file.case.region)
    kind = file.case.customer_class or "residential"
    first = file.case.opened_at.date()
    last = (file.evidence[-1].recorded_at if file.evidence else file.case.opened_at).date()
    through = last + timedelta(days=400) + chosen.seasons_last(kind)
    calendar = Calendar(days=session.parts.calendar.barred_days(first, through))
    return replay(file, chosen, calendar, known_policies(policies, session.parts.policies).get(file.case.policy))


def totals(lines: Iterable[Replayed]) -> dict[str, Any]:
    """Counts over all attempts; notices, cuts and crew days only over those with a known verdict."""
    every = tuple(lines)
    known = tuple(line for line in every if line.verdict != "unknown")
    verdicts = Counter(line.verdict for line in every)
    later = [line.days for line in known if line.verdict in ("later", "earlier")]
    return {
        "marches": len(every),
        **{
            verdict: verdicts[verdict]
            for verdict in ("not_reached", "later", "earlier", "possible", "unchanged", "unknown")
        },
        "cuts": sum(line.was_cut for line in known),
        "cuts_avoided": sum(line.was_cut and line.verdict == "not_reached" for line in known),
        "cuts_added_at_most": verdicts["possible"],
        "mean_days_moved": round(sum(later) / len(later), 1) if later else 0,
        "notices": sum(line.notices for line in known),
        "notices_then": sum(line.notices_then for line in known),
        "crew_days": sum(line.crew_days for line in known),
        "crew_days_then": sum(line.crew_days_then for line in known),
    }


_VERDICTS = {
    "not_reached": "不会停电 not cut",
    "later": "推迟 later",
    "earlier": "提前 earlier",
    "possible": "可能被停电 may be cut",
    "unchanged": "不变 unchanged",
    "unknown": "无法推断 cannot be told",
}


def _show(result: dict[str, Any], out: Printer) -> None:
    out.table(
        f"按 {', '.join(result['policies'])} 重演 Replayed",
        ("户号 account", "次 no.", "停电 cut", "实际或计划 at", "重演 then", "结清 paid", "结论 verdict", "天 days"),
        (
            (
                line.account_id,
                line.march,
                "是 yes" if line.was_cut else "否 no",
                out.when(line.cut_at),
                out.when(line.then_at),
                out.when(line.paid_at),
                _VERDICTS[line.verdict] + (f"\n{line.why_zh} {line.why_en}" if line.why_en else ""),
                line.days or "",
            )
            for line in result["cases"]
        ),
        empty="登记中无可重演的案件 no attempt is on record",
    )
    found = result["totals"]
    out.fields(
        (
            ("结论 verdicts", ", ".join(f"{name} {found[key]}" for key, name in _VERDICTS.items())),
            ("避免的停电 cuts avoided", f"{found['cuts_avoided']} / {found['cuts']}"),
            ("至多增加的停电 cuts added at most", str(found["cuts_added_at_most"])),
            ("通知书 notices", f"{found['notices']} → {found['notices_then']}"),
            ("外勤人天 crew days", f"{found['crew_days']} → {found['crew_days_then']}"),
        )
    )
    for sentence in result["assumed"]:
        out.say(f"假定 Assumed: {sentence}")


def _loaded(file: str, as_json: bool) -> Policies:
    try:
        return load_policies(file)
    except PolicyError as problem:
        raise _refused(problem, as_json) from problem


def _one(file: str, as_json: bool) -> Policy:
    try:
        return load_policy(file)
    except PolicyError as problem:
        raise _refused(problem, as_json) from problem


def _refused(error: PolicyError, as_json: bool) -> typer.Exit:
    """Every problem on a line of its own: FILE:LINE: key (rule, clause): sentence."""
    found = [_problem(problem) for problem in error.problems]
    problem = Problem("PolicyInvalid", "\n".join(map(_sentence, found)), {"problems": found})
    print_problem(problem, as_json)
    return typer.Exit(problem.exit_code)


def _sentence(problem: dict[str, Any]) -> str:
    where = [str(part) for part in (problem["file"], problem["line"]) if part is not None]
    law = f" ({problem['rule']}, {problem['clause']})" if problem["rule"] else ""
    said = f"{problem['key']}{law}: {problem['text']}" if problem["key"] else problem["text"]
    return f"{':'.join(where)}: {said}" if where else said


def _problem(problem: PolicyProblem) -> dict[str, Any]:
    term = term_of(problem.key)
    return {
        "file": problem.file,
        "key": problem.key,
        "line": problem.line,
        "rule": term.rule if term else None,
        "clause": term.clause if term else None,
        "text": problem.text,
    }


def _notes(one: Policy) -> Iterator[str]:
    for key, least in BELOW_THE_REGULATION.items():
        if (given := getattr(one, key)) < least:
            term = TERMS[key]
            yield (
                f"{one.label}: {key} {given} 低于本办法 {term.clause} 的 {least}，仅供适用其他规定的单位使用"
                f" is below the {least} of {term.clause}: lawful, but only for a utility whose own rules ask no more"
            )


_KEYS = {
    "residential": "居民 residential",
    "non_residential": "非居民 non-residential",
    "from_amount": "按金额 by amount",
}
"""Names of keys within a key, where a person would have to guess; the others stand as in the file."""


def _value(value: Any) -> str:
    """A value of a policy file as a person reads it: one key a line, lists with commas."""
    match value:
        case bool():
            return "是 yes" if value else "否 no"
        case {"amount": amount, "roles": roles, **rest} if not rest:
            return f"{amount} 起另须 and more, also: {_value(roles)}"
        case dict():
            return "\n".join(f"{_KEYS.get(key, key)}: {_value(inner)}" for key, inner in value.items())
        case []:
            return "无 none"
        case list() if any(isinstance(one, dict) for one in value):
            return "\n".join(map(_value, value))
        case list():
            return ", ".join(map(_value, value))
    return str(value)
