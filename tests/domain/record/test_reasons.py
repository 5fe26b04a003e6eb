"""Reasons and subjects: a code for each, its words in both languages, and the way back from a recorded sentence."""

from typing import get_args

import pytest

from domain.record.reasons import REASONS, ReasonCode, Wording, because, code_of, reason_zh
from domain.record.subjects import SUBJECTS, SubjectCode, heading, subject, subject_of

VALUES = {
    "day": "Spring Festival",
    "due": "2026-11-02 09:00",
    "fields": "meter, name",
    "follows": "decide whether to serve again; act on the record as it is now",
    "hold": "medical",
    "hours": "12",
    "kind": "red",
    "notice": "r/red-notice/1",
    "payment": "WX-1",
    "permit": "r/permit/1",
    "policy": "reading-centre 3",
    "remark": "户主出差",
    "role": "centre_director",
    "roles": "centre_director, company_leader",
    "times": "3",
}
A_SUBJECT = {"incident": "wrong_meter", "month": "2026-10 no. 2", "title": "红色欠费中止供电通知书 red"}


def test_every_code_has_its_words() -> None:
    assert set(REASONS) == set(get_args(ReasonCode))
    assert set(SUBJECTS) == set(get_args(SubjectCode))


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_is_found_again_by_its_sentence(code: ReasonCode) -> None:
    assert code_of(because(code, **VALUES)) == code


@pytest.mark.parametrize("code", REASONS)
def test_a_former_wording_of_a_reason_is_found_again(code: ReasonCode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A better sentence changes no replay: what was recorded before is matched by the table."""
    from domain.record import reasons

    before = because(code, **VALUES)
    better = Wording("a better sentence" + "".join(f" {{{v}}}" for v in VALUES), "更好的句子", (REASONS[code].en,))
    monkeypatch.setitem(REASONS, code, better)
    reasons._patterns.cache_clear()
    try:
        assert (code_of(before), reason_zh(before)) == (code, "更好的句子")
        assert code_of(because(code, **VALUES)) == code
    finally:
        monkeypatch.undo()
        reasons._patterns.cache_clear()


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_its_chinese(code: ReasonCode) -> None:
    """What staff reads in Chinese gives its reason in Chinese, values of people apart."""
    quiet = {name: value if value.isascii() and "_" in value else "1" for name, value in VALUES.items()}
    said = reason_zh(because(code, **{**quiet, "hold": "medical"}))
    assert not any("a" <= letter <= "z" for letter in said), said


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("hold: medical", "暂缓：医疗"),
        ("rejected by centre_director: two names are one person", "抄表中心主任不予批准：two names are one person"),
        ("not approved in time by centre_director, company_leader", "未按时批准：抄表中心主任、公司主管领导"),
        ("served again: 户主出差", "重新通知：户主出差"),
        (
            "record changed (name, meter): the notices are void, deliver the new yellow notice; decide whether to serve"
            " again",
            "客户档案变更（户名、表号）：原通知书作废，重新送达黄色催费单；档案多次变更，请决定是否重新通知",
        ),
        ("the customer was not told again", "未再次通知客户"),
        ("a person's own words", "a person's own words"),
        ("the bills are settled, he says", "the bills are settled, he says"),
    ],
)
def test_what_a_person_wrote_stays_as_written(reason: str, chinese: str) -> None:
    assert reason_zh(reason) == chinese


@pytest.mark.parametrize("code", SUBJECTS)
def test_a_subject_is_found_again_by_its_words(code: SubjectCode) -> None:
    assert subject_of(subject(code, **A_SUBJECT)) == code


@pytest.mark.parametrize("code", [code for code in SUBJECTS if code != "cut_time_again"])
def test_every_subject_to_staff_is_headed_in_both_languages(code: SubjectCode) -> None:
    words = subject(code, **A_SUBJECT)
    assert "一" <= heading(words)[0] <= "龥"
    assert heading(words).endswith(words)
