"""What staff reads in Chinese gives its reason in Chinese: no reason that the code gives stays English in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.case import attempt
from domain.papers.urgency import _BY_SUBJECT
from domain.record.reasons import heading, reason_zh

DOMAIN = Path(attempt.__file__).parents[1]
PLACE = {"end_attempt": 2, "recall_cut_ticket": 2, "revoke_permit": 2, "void_notice": 3}
SEEN_BY_NOBODY = {"settled", "withdrawn"}
"""Reasons of notices that are void without a message to anybody."""


def sentences(node: ast.AST) -> Iterator[str]:
    """The texts that an expression can have; whatever is put into them is a 1."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from sentences(one)
            yield from sentences(other)
        case ast.BinOp(left=one):
            yield from sentences(one)


def given(tree: ast.AST) -> Iterator[str]:
    """Every reason that this code gives, literally, to what ends something, or puts before somebody."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            inside = list(ast.walk(node))
            ends = any(isinstance(n, ast.Call) and getattr(n.func, "id", None) in PLACE for n in inside)
            for inner in inside:
                if isinstance(inner, ast.Assign) and ends and getattr(inner.targets[0], "id", None) == "reason":
                    yield from sentences(inner.value)
                if isinstance(inner, ast.Return) and node.name.startswith("_why_") and inner.value is not None:
                    yield from sentences(inner.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "raise_escalation":
                yield from (text for k in node.keywords if k.arg == "subject" for text in sentences(k.value))
            elif node.func.id in PLACE and len(node.args) > PLACE[node.func.id]:
                yield from sentences(node.args[PLACE[node.func.id]])


REASONS = sorted({r for path in DOMAIN.rglob("*.py") for r in given(ast.parse(path.read_text()))} - SEEN_BY_NOBODY)


def test_the_reasons_are_found() -> None:
    """The search sees both the plain ones and those with a value put in."""
    assert len(REASONS) >= 25
    assert {"the crew left without cutting", "hold: 1", "no answer from 1"} <= set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_chinese(reason: str) -> None:
    assert not any("a" <= letter <= "z" for letter in reason_zh(reason))


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("hold: medical", "暂缓：医疗"),
        ("rejected by centre_director: two names are one person", "抄表中心主任不予批准：two names are one person"),
        ("not approved in time by centre_director, company_leader", "未按时批准：抄表中心主任、公司主管领导"),
        ("served again: 户主出差", "重新通知：户主出差"),
        ("a person's own words", "a person's own words"),
    ],
)
def test_what_a_person_wrote_stays_as_written(reason: str, chinese: str) -> None:
    assert reason_zh(reason) == chinese


@pytest.mark.parametrize("subject", [*sorted(_BY_SUBJECT), "incident: wrong_meter", "government report 2026-10 no. 2"])
def test_every_subject_is_headed_in_both_languages(subject: str) -> None:
    assert "一" <= heading(subject)[0] <= "龥"
    assert heading(subject).endswith(subject)
