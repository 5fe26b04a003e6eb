"""Names in both languages: every role, class, stage, outcome and incident has one; papers keep their own wording."""

from typing import get_args

import pytest

from domain.report import words as report
from domain.vocabulary import CustomerClass, IncidentKind, Outcome, Role, Stage
from domain.words import CLASSES, INCIDENTS, OUTCOMES, ROLES, STAGES, both_of, name_of, state_name


@pytest.mark.parametrize(
    ("table", "names"),
    [(ROLES, Role), (CLASSES, CustomerClass), (STAGES, Stage), (OUTCOMES, Outcome), (INCIDENTS, IncidentKind)],
    ids=["roles", "classes", "stages", "outcomes", "incidents"],
)
def test_every_name_is_in_its_table(table: dict[str, object], names: object) -> None:
    assert set(table) == set(get_args(names))


def test_a_stage_is_called_the_same_on_every_screen() -> None:
    assert both_of(STAGES, "yellow_notice") == "黄色催费 yellow notice"
    assert (name_of(STAGES, "restoring", "zh"), name_of(STAGES, "restoring", "en")) == ("复电中", "restoring")
    assert name_of(STAGES, "unheard_of", "zh") == "unheard_of"


def test_papers_keep_the_wording_that_their_digests_seal() -> None:
    assert [state_name(stage, "zh") for stage in STAGES] == [
        *("黄色催费单", "红色通知书", "已出工作票", "停电前半小时", "已停电", "复电中", "已结案"),
    ]
    assert [state_name(s, "zh") for s in ("settled", "restored", "withdrawn")] == ["结清", "已复电", "已撤销"]
    assert (state_name("final_half_hour", "en"), state_name("non_residential", "en")) == (
        "final half hour",
        "non residential",
    )
    assert [zh for zh, _ in report.STAGES.values()] == [
        *("黄色催费", "红色通知", "已出停电工作票", "停电前半小时", "已停电", "复电中"),
    ]
    assert [en for _, en in report.OUTCOMES.values()] == ["settled, not cut", "restored after a cut", "withdrawn"]
