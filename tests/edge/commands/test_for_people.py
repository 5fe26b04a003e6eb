"""What commands show to people: who acts by flags, answers in words, a narrow terminal, nothing where nothing is."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from composition.parts import build
from composition.settings.loading import load_settings
from domain.law.policy import Policy
from edge.commands.messages import _show
from edge.commands.policy import _value
from edge.demo.show import commands
from edge.terminal import Printer
from tests.edge.commands.test_application import Cli, cli
from tests.support.register_records import OPENED, case_row, record

__all__ = ["cli"]  # the fixture


# ---- who acts -----------------------------------------------------------------------------------


async def test_who_acts_is_named_by_flags_that_come_before_the_json(cli: Cli) -> None:
    said = (await cli("withdraw", "--help")).out
    assert said.index("--actor-id") < said.index("--actor-role") < said.index("--actor JSON")
    assert "in place of --actor-…" in said
    assert "(required)" not in said[said.index("--actor JSON") :]
    assert "(required)" in said[said.index("--actor-id") : said.index("--actor-name")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("acknowledge-ticket", "A1", "--ticket-id", "t-1"), "--actor-id and --actor-role (field_crew)"),
        (("acknowledge-ticket", "A1", "--ticket-id", "t-1", "--actor", "f-1"), "easier: --actor-id … --actor-role …"),
        (("hold-placed", "A1", "--hold-id", "h", "--kind", "other", "--reason", "x"), "--actor-id and --actor-role"),
        (
            ("verify-meter", "A1", "--substitute-named-by", "t-1"),
            "easier: --substitute-named-by-id … --substitute-named-by-role …",
        ),
        (
            ("report", "sent", "2026-10", "--reference", "7", "--authority", "区", "--actor", "l-1"),
            "easier: --actor-id",
        ),
    ],
)
async def test_who_left_out_who_acts_is_shown_the_flags(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    ended = await cli(*arguments, "--json")
    assert (ended.code, ended.refusal["field"].partition(".")[0].removesuffix("_named_by")) in (
        (1, "actor"),
        (1, "substitute"),
    )
    assert says in ended.refusal["message"]


async def test_the_liaison_who_sent_a_report_is_named_by_flags(cli: Cli) -> None:
    sent = ("report", "sent", "2026-10", "--reference", "no. 7", "--authority", "区政府")
    assert (await cli(*sent)).code == 2, "somebody has sent it"
    assert (await cli(*sent, "--actor-id", "l-1", "--json")).refusal["type"] == "UnknownReport", "all the rest is there"
    other = await cli(*sent, "--actor-id", "r-1", "--actor-role", "king", "--json")
    assert other.refusal["field"] == "actor.role"


# ---- answers ------------------------------------------------------------------------------------


def test_an_answer_is_read_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    out = Printer(Policy().zone)
    _show("change_policy", {"policy": "b@1", "before": "a@1", "keeps_its_terms": ["y-1", "r-2"]}, out)
    said = capsys.readouterr().out
    assert "y-1, r-2" in said
    assert "[" not in said
    _show("request_permit", {"granted": True, "valid_until": "2026-11-23T20:00:00+00:00"}, out)
    said = capsys.readouterr().out
    assert "是 yes" in said
    assert "2026-11-24 04:00" in said
    _show("request_restoration", {"still_owing": {"amount": "12.00", "late_fee": "0.10"}}, out)
    assert "欠费 amount 12.00, 违约金 late fee 0.10" in capsys.readouterr().out


def test_a_difference_between_policies_can_be_read_without_their_file() -> None:
    approvals = {
        "residential": ["centre_director"],
        "non_residential": ["centre_director", "company_leader"],
        "from_amount": [{"amount": "50000.00", "roles": ["company_leader"]}],
    }
    assert _value(approvals).splitlines() == [
        "居民 residential: centre_director",
        "非居民 non-residential: centre_director, company_leader",
        "按金额 by amount: 50000.00 起另须 and more, also: company_leader",
    ]
    assert _value(["fri", "sat"]) == "fri, sat"
    assert (_value([]), _value(True), _value({"start": "09:00"})) == ("无 none", "是 yes", "start: 09:00")


async def test_fewer_repeated_notices_say_why_that_is_kinder(cli: Cli) -> None:
    said = (await cli("policy", "diff", "reading-centre", "residential-friendly", "--json")).result
    [found] = [one for one in said["differences"] if one["key"] == "max_reissues"]
    assert "the case stops and waits for a person" in found["text_en"]
    assert "停下待人决定" in found["text_zh"]
    assert found["customer"] == "kinder"


def test_an_empty_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    _show("acknowledge_ticket", {}, Printer())
    assert capsys.readouterr().out == "已受理 Done\n"


# ---- nothing, and narrow terminals ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("worklist", "--role", "reader"), "待办 Worklist: reader: 无待办 nothing to do"),
        (("list", "--stage", "closed"), "案件 Cases: 无此类案件 no such case"),
        (("deliveries", "--waiting"), "消息发送 Deliveries: 无消息 no messages"),
        (("policy", "diff", "reading-centre", "reading-centre"), "规则相同 no difference"),
        (("policy", "replay", "reading-centre"), "no attempt is on record"),
    ],
)
async def test_where_there_is_nothing_a_sentence_says_so(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    await cli("database", "upgrade")
    said = (await cli(*arguments)).out
    assert says in said
    assert "─" not in said.partition("\n")[0], "no header of an empty table"


async def test_without_channels_deliveries_do_not_promise_to_be_sent(cli: Cli) -> None:
    said = (await cli("deliveries")).out
    assert "nothing is sent to anybody" in said
    assert "outbox" not in said


def test_a_narrow_terminal_gets_a_block_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge.terminal._console", lambda: Console(width=60, highlight=False))
    case = "01998a3c-58a1-7b6e-8f0e-6c1c1f9d2b11/cut-ticket/1"
    headers = ("期限 by", "户号 account", "命令 command", "编号 id", "事项 task")
    rows = [
        (
            "2026-11-24 09:00",
            "1001",
            "acknowledge-ticket",
            case,
            "接收停电工作票\nacknowledge the disconnection ticket",
        ),
        (None, "1002", "record-delivery", "n-1", "送达\ndeliver"),
    ]
    Printer.table("待办 Worklist: field_crew", headers, rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "待办 Worklist: field_crew"
    assert lines.count("── 1/2 ──") == lines.count("── 2/2 ──") == 1
    assert f"编号 id       {case}" in lines
    assert "命令 command  acknowledge-ticket" in lines
    assert "              acknowledge the disconnection ticket" in lines
    assert len([line for line in lines if line.startswith("期限 by")]) == 1, "what is not there has no line"


def test_a_wide_terminal_and_a_pipe_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    Printer.table("t", ("a", "b", "c", "d"), [("1", "2", "3", "4")])
    assert "│ 1 │ 2 │ 3 │ 4 │" in capsys.readouterr().out


async def test_a_closed_case_has_no_planned_cut_on_the_list(cli: Cli) -> None:
    register = build(load_settings()).register
    planned = Policy().zone
    at = OPENED.astimezone(planned) + timedelta(days=9)
    register.write(record(case=case_row(stage="closed", outcome="settled", planned_cut_at=at, closed_at=at)))
    said = (await cli("list")).out
    assert "结清" in said
    assert f"{at:%Y-%m-%d}" not in said


# ---- the demo and exports ----------------------------------------------------------------------


def test_the_demos_commands_work_in_any_folder_and_with_blanks_in_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "演示 的 folder"
    folder.mkdir()
    (folder / "environment.sh").write_text("export ARREARS_REGISTER_URL='sqlite:///x y.db'\n", "utf-8")
    ended = subprocess.run(
        ["sh", "-c", f"{commands(folder)} list --help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "--stage" in ended.stdout) == (0, True), ended.stderr


async def test_files_that_are_no_exports_are_refused_before_a_server_is_asked(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "letter.csv").write_text("Dear Sir\n", "utf-8")
    for file in ("nofile.csv", "letter.csv"):
        ended = await cli("ingest", str(tmp_path / file))
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("FileRefused: ")
        assert file in ended.err
    (tmp_path / "bills.csv").write_text("账单号,户号,费用年月,交费期限,应收电费\n", "utf-8")
    mixed = await cli("ingest", str(tmp_path / "nofile.csv"), str(tmp_path / "bills.csv"), "--json")
    assert mixed.refusal["type"] == "TemporalUnavailable", "what can be read is read"
