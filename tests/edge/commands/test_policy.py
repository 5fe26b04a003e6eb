"""`policy check`, `diff`, `replay`, and `change-policy`: what a person sees, and that a replay touches nothing."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from activities.register import RegisterUnavailable
from adapters.register.writing import SqlRegister
from composition.parts import register_to_read
from composition.settings.model import Settings
from domain.customer import CustomerCard
from edge.commands.policy import ASSUMED
from tests.edge.commands.test_application import Cli, cli
from tests.support.programs import environment
from tests.support.world import Case, World

__all__ = ["cli"]

BAD = 'name = "east"\nversion = "1"\n\nred_notice_days = 2\nmin_debts = 5\n[cut_hours]\nstart = "17:00"\n'
CARD = CustomerCard(account_id="A-1", name="张三", address="北京路1号")


# ---- check ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", ["reading-centre", "residential-friendly", "by-class"])
async def test_a_good_policy_passes_and_says_what_it_is(cli: Cli, pack: str) -> None:
    result = (await cli("policy", "check", pack, "--json")).result
    assert result["file"] == pack
    assert result["policies"]
    assert result["notes"] == []


async def test_a_wrong_policy_is_refused_by_file_line_key_rule_and_clause(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "east.toml"
    file.write_text(BAD, encoding="utf-8")
    ended = await cli("policy", "check", str(file))
    assert ended.code == 1
    said = ended.err.replace("PolicyInvalid: ", "").splitlines()
    assert any(s.startswith(f"{file}:4: red_notice_days (R-07, II.2): ") for s in said)
    assert any(s.startswith(f"{file}:6: cut_hours (R-21, II.2): ") for s in said)
    assert any(s.startswith(f"{file}:5: min_debts: is no key of a policy") for s in said)
    refusal = (await cli("policy", "check", str(file), "--json")).refusal
    assert refusal["type"] == "PolicyInvalid"
    assert {(p["key"], p["line"], p["rule"]) for p in refusal["problems"]} == {
        ("red_notice_days", 4, "R-07"),
        ("min_debts", 5, None),
        ("cut_hours", 6, "R-21"),
    }


async def test_a_file_that_is_no_toml_is_refused_with_its_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "east.toml"
    file.write_text('name = "east"\nversion = \n', encoding="utf-8")
    [problem] = (await cli("policy", "check", str(file), "--json")).refusal["problems"]
    assert problem["line"] == 2


async def test_below_the_regulation_is_lawful_elsewhere_and_said(cli: Cli) -> None:
    [note] = (await cli("policy", "check", "statutory-minimum", "--json")).result["notes"]
    assert "red_notice_days 3" in note
    assert "II.2" in note


async def test_a_policy_is_checked_also_where_the_one_in_use_is_wrong(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is when somebody checks."""
    monkeypatch.setenv("ARREARS_POLICY", "no-such-pack")
    assert (await cli("policy", "check", "reading-centre")).code == 0


# ---- diff -------------------------------------------------------------------------------------


async def test_two_policies_are_compared_key_by_key_with_clause_and_meaning(cli: Cli) -> None:
    result = (await cli("policy", "diff", "reading-centre", "statutory-minimum", "--json")).result
    found = {d["key"]: d for d in result["differences"]}
    assert set(found) == {"yellow_payment_days", "delivery_allowance_days", "red_notice_days"}
    red = found["red_notice_days"]
    assert (red["before"], red["after"], red["rule"], red["clause"], red["customer"]) == (
        7,
        3,
        "R-07",
        "II.2",
        "harder",
    )
    assert "红单" in red["text_zh"]
    said = (await cli("policy", "diff", "reading-centre", "residential-friendly")).out
    assert "protected_seasons" in said
    assert "kinder to the customer" in said


async def test_a_policy_that_is_none_is_refused_by_diff_and_replay_too(cli: Cli) -> None:
    for arguments in (("diff", "reading-centre", "nope"), ("replay", "nope")):
        refusal = (await cli("policy", *arguments, "--json")).refusal
        assert refusal["type"] == "PolicyInvalid"
        assert "known packs" in refusal["message"]


# ---- replay -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """A register with two lives: cut and restored, and paid after the yellow notice."""

    world: World
    cut: Case
    paid: Case
    database: Path


@pytest.fixture(scope="module")
async def recorded(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorded]:
    """Two lives on the real server, in books of their own."""
    folder = tmp_path_factory.mktemp("recorded")
    async with world.apart(folder) as own:
        cut, paid = await own.open(), await own.open()
        await cut.to_cut()
        await cut.pass_time(hours=3)
        await cut.pay("200.00")
        await cut.restore()
        await paid.deliver("yellow")
        await paid.pay("200.00")
        for case in (cut, paid):
            await case.result()
            await case.recorded("case.closed")
        yield Recorded(own, cut, paid, folder / "register.db")


@pytest.fixture
def there(cli: Cli, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The commands read that register; there is no Temporal for them."""
    del cli
    monkeypatch.setenv("ARREARS_REGISTER_URL", recorded.world.settings.register_url.get_secret_value())
    return recorded


async def test_a_replay_under_the_policy_they_had_changes_nothing(cli: Cli, there: Recorded) -> None:
    """What the computation is worth: it finds the times that in fact came about."""
    result = (await cli("policy", "replay", "reading-centre", "--json")).result
    assert [line["verdict"] for line in result["cases"]] == ["unchanged", "unchanged"]
    assert {line["account_id"] for line in result["cases"]} == {there.cut.account_id, there.paid.account_id}
    totals = result["totals"]
    assert (totals["cuts"], totals["cuts_avoided"], totals["notices"], totals["notices_then"]) == (1, 0, 3, 3)
    assert (totals["crew_days"], totals["crew_days_then"]) == (2, 2)
    assert result["assumed"] == list(ASSUMED)


async def test_a_gentler_policy_would_have_spared_the_cut_and_a_harder_one_come_sooner(
    cli: Cli, there: Recorded, tmp_path: Path
) -> None:
    file = tmp_path / "patient.toml"
    file.write_text('name = "patient"\nversion = "1"\nred_notice_days = 45\n', encoding="utf-8")
    account = there.cut.account_id
    gentle = (await cli("policy", "replay", str(file), "--account", account, "--json")).result
    [line] = gentle["cases"]
    assert (line["verdict"], line["was_cut"]) == ("not_reached", True)
    assert line["then_at"] > line["paid_at"] > line["cut_at"]
    assert (gentle["totals"]["cuts_avoided"], gentle["totals"]["crew_days_then"]) == (1, 0)
    # The script's reader delivers at once, so three days' notice are enough; only a long holiday evens it out.
    [line] = (await cli("policy", "replay", "statutory-minimum", "--account", account, "--json")).result["cases"]
    assert line["verdict"] == ("earlier" if line["days"] < 0 else "unchanged")
    assert line["days"] <= 0


async def test_a_file_that_chooses_is_replayed_by_the_class_of_each_account(cli: Cli, there: Recorded) -> None:
    result = (await cli("policy", "replay", "by-class", "--json")).result
    assert {line["replayed_under"] for line in result["cases"]} == {"residential-friendly@1"}
    said = (await cli("policy", "replay", "by-class")).out
    assert there.cut.account_id in said
    assert "假定 Assumed" in said


async def test_an_account_without_a_case_is_said(cli: Cli, there: Recorded) -> None:
    del there
    assert (await cli("policy", "replay", "reading-centre", "--account", "nobody", "--json")).refusal[
        "type"
    ] == "NoCase"


async def test_a_replay_leaves_the_register_as_it_was(cli: Cli, there: Recorded) -> None:
    def dump() -> list[str]:
        with sqlite3.connect(f"file:{there.database}?mode=ro", uri=True) as connection:
            return list(connection.iterdump())

    before, length = dump(), there.database.stat().st_size
    assert (await cli("policy", "replay", "statutory-minimum")).code == 0
    assert dump() == before
    assert there.database.stat().st_size == length


def test_the_replay_could_not_write_if_it_tried(there: Recorded) -> None:
    """Whatever the code does, the database refuses."""
    reader = register_to_read(there.world.settings)
    with pytest.raises(RegisterUnavailable, match="readonly"):
        SqlRegister(reader.engine).keep_card(CARD)
    reader.engine.dispose()


async def test_a_register_that_is_not_there_is_not_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_REGISTER_URL", f"sqlite:///{tmp_path / 'none' / 'register.db'}")
    ended = await cli("policy", "replay", "reading-centre", "--json")
    assert (ended.code, ended.refusal["type"]) == (3, "RegisterUnavailable")
    assert not (tmp_path / "none").exists()


# ---- change-policy ----------------------------------------------------------------------------


async def test_an_operator_moves_a_case_to_a_pack_by_its_name(
    cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await world.open()
    await case.notice("yellow")
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    by = ("--reason", "cold wave", "--actor-id", "o-1", "--actor-role", "operator", "--json")
    refused = await cli("change-policy", case.account_id, "--policy", "no-such", *by)
    assert (refused.refusal["type"], refused.refusal["field"]) == ("BadRequest", "policy")
    answer = (await cli("change-policy", case.account_id, "--policy", "residential-friendly", *by)).result
    assert (answer["before"], answer["policy"]) == ("reading-centre@1", "residential-friendly@1")
    assert (await case.snapshot())["policy"] == "residential-friendly@1"
    whole = '{"name": "east", "version": "2", "red_notice_days": 9}'
    assert (await cli("change-policy", case.account_id, "--policy", whole, *by)).result["policy"] == "east@2"
