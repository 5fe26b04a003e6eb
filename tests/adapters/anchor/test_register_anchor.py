"""Heads anchored outside the register: a chain rebuilt as a whole is found, and so is a tampered anchor."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, select

from activities.anchor import AnchorBroken
from adapters.anchor.file import AnchorFile, private_key, spelled
from adapters.anchor.register_anchor import RegisterAnchor
from adapters.register.chain import EVIDENCE, HEADS, START, link
from adapters.register.reading import RegisterReader
from adapters.register.writing import SqlRegister, open_register
from adapters.sql.engine import writing
from client.schedules import EVIDENCE_ANCHOR, install_evidence_anchor
from tests.adapters.register.test_chain import delete_all, edit, swap, unguard
from tests.edge.commands.test_application import Ended
from tests.support.programs import program
from tests.support.register_records import ACCOUNT, case_row, evidence, record
from tests.support.world import World

SPELLED, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (7, 8))
KEY, OTHER_KEY = private_key(SPELLED), private_key(OTHER)
NOW = datetime(2026, 11, 1, 22, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    register = SqlRegister(engine)
    register.write(record(evidence=tuple(evidence(n) for n in range(1, 6))))
    other = case_row(account_id="3002", case_key="run-2")
    register.write(record(case=other, evidence=tuple(evidence(n, key=f"run-2/{n}") for n in range(1, 4))))
    yield engine
    engine.dispose()


@pytest.fixture
def anchor(engine: Engine, tmp_path: Path) -> RegisterAnchor:
    return RegisterAnchor(engine, AnchorFile(tmp_path / "elsewhere" / "anchor", (KEY.public_key(),), KEY))


def rebuild(connection: Connection, account: str = ACCOUNT, *, longer: bool = False) -> None:
    """What somebody who owns the database would do: every entry anew, each hash right, the head too."""
    unguard(connection)
    of_account = select(EVIDENCE).where(EVIDENCE.c.account_id == account).order_by(EVIDENCE.c.seq)
    lines = [dict(line) for line in connection.execute(of_account).mappings()]
    if longer:
        lines.append({**lines[-1], "seq": len(lines) + 1, "key": "forged"})
    last = START
    for line in lines:
        line |= {"actor_id": "somebody else", "prev_hash": last}
        last = line["hash"] = link(line)
    connection.execute(EVIDENCE.delete().where(EVIDENCE.c.account_id == account))
    connection.execute(insert(EVIDENCE), lines)
    head = HEADS.update().where(HEADS.c.account_id == account)
    connection.execute(head.values(seq=len(lines), hash=last))


def proof(anchor: RegisterAnchor, account: str = ACCOUNT) -> bool:
    """Whether the account's record is intact, by its anchored head."""
    seen = anchor.head_of(account)
    assert seen.length is not None
    assert seen.head is not None
    return RegisterReader(anchor.engine).verify(account, (seen.length, seen.head)).intact


# ---- what is anchored ------------------------------------------------------------------------------


def test_an_anchoring_says_how_much_there_is_and_when(anchor: RegisterAnchor) -> None:
    line = anchor.anchor(NOW)
    assert (line.number, line.at, line.accounts, line.entries, line.broken) == (1, NOW, 2, 8, ())
    seen = anchor.head_of(ACCOUNT)
    verdict = RegisterReader(anchor.engine).verify(ACCOUNT)
    assert (seen.state, seen.length, seen.head) == ("anchored", verdict.length, verdict.head)
    assert anchor.head_of("nobody").state == "not_yet"


def test_a_record_that_only_grew_stays_provable(anchor: RegisterAnchor) -> None:
    anchor.anchor(NOW)
    SqlRegister(anchor.engine).write(record(2, evidence=(evidence(6), evidence(7))))
    assert proof(anchor)
    assert anchor.anchor(NOW + DAY).broken == ()
    assert anchor.head_of(ACCOUNT).length == 7


def test_the_latest_lists_of_heads_are_kept_and_every_line(anchor: RegisterAnchor) -> None:
    for day in range(5):
        anchor.anchor(NOW + day * DAY)
    assert [line.number for line in anchor.file.lines()] == [1, 2, 3, 4, 5]
    names = {p.name for p in anchor.file.path.parent.iterdir()}
    assert names == {"anchor", "anchor.lock", "anchor.heads-4", "anchor.heads-5"}


def test_many_at_once_make_one_file(anchor: RegisterAnchor) -> None:
    threads = [threading.Thread(target=anchor.anchor, args=(NOW,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(anchor.file.lines()) == 6


def test_a_line_cut_short_by_a_crash_is_written_anew(anchor: RegisterAnchor) -> None:
    anchor.anchor(NOW)
    with anchor.file.path.open("a") as file:
        file.write('{"accounts":2,"at":"20')
    assert anchor.head_of(ACCOUNT).state == "anchored"
    assert anchor.anchor(NOW + DAY).number == 2
    assert len(anchor.file.lines()) == 2


# ---- the record is tampered with -------------------------------------------------------------------


@pytest.mark.parametrize("longer", [False, True], ids=["as long as before", "longer"])
def test_a_chain_rebuilt_whole_is_found_by_its_proof_and_named_by_the_next_anchoring(
    anchor: RegisterAnchor, longer: bool
) -> None:
    anchor.anchor(NOW)
    with writing(anchor.engine) as connection:
        rebuild(connection, longer=longer)
    assert RegisterReader(anchor.engine).verify(ACCOUNT).intact, "alone it looks sound: that is what anchors are for"
    assert not proof(anchor)
    assert proof(anchor, "3002")
    assert anchor.anchor(NOW + DAY).broken == (ACCOUNT,)
    # Anchoring again does not make the rebuilt chain the true one.
    assert not proof(anchor)
    assert anchor.anchor(NOW + 2 * DAY).broken == (ACCOUNT,)
    check = anchor.check()
    assert check is not None
    assert check.broken == (ACCOUNT,)


@pytest.mark.parametrize("tamper", [edit, swap, delete_all], ids=lambda t: t.__name__)
def test_what_a_proof_finds_without_an_anchor_it_finds_with_one(
    anchor: RegisterAnchor, tamper: Callable[[Connection], None]
) -> None:
    anchor.anchor(NOW)
    with writing(anchor.engine) as connection:
        unguard(connection)
        if tamper is not delete_all:
            connection.execute(EVIDENCE.delete().where(EVIDENCE.c.account_id != ACCOUNT))
        tamper(connection)
    assert not proof(anchor)


def test_an_account_deleted_with_its_head_is_named(anchor: RegisterAnchor) -> None:
    anchor.anchor(NOW)
    with writing(anchor.engine) as connection:
        unguard(connection)
        connection.execute(EVIDENCE.delete().where(EVIDENCE.c.account_id == "3002"))
        connection.execute(HEADS.delete().where(HEADS.c.account_id == "3002"))
    assert not proof(anchor, "3002")
    assert anchor.anchor(NOW + DAY).broken == ("3002",)
    assert not proof(anchor, "3002")


# ---- the anchor is tampered with -------------------------------------------------------------------


def rewrite(change: Callable[[dict[str, object]], None], number: int = 1) -> Callable[[AnchorFile], None]:
    """Change a line of the file, in the right spelling."""

    def tamper(file: AnchorFile) -> None:
        lines = file.path.read_text("utf-8").splitlines()
        line = json.loads(lines[number - 1])
        change(line)
        lines[number - 1] = json.dumps(line, sort_keys=True, separators=(",", ":"))
        file.path.write_text("".join(f"{one}\n" for one in lines), "utf-8")

    return tamper


def drop_first(file: AnchorFile) -> None:
    file.path.write_text(file.path.read_text("utf-8").partition("\n")[2], "utf-8")


def swap_lines(file: AnchorFile) -> None:
    one, two = file.path.read_text("utf-8").splitlines()
    file.path.write_text(f"{two}\n{one}\n", "utf-8")


def repeat_last(file: AnchorFile) -> None:
    text = file.path.read_text("utf-8")
    file.path.write_text(text + text.splitlines()[-1] + "\n", "utf-8")


def sign_anew_with_another_key(file: AnchorFile) -> None:
    file.path.unlink()
    AnchorFile(file.path, (OTHER_KEY.public_key(),), OTHER_KEY).add([(ACCOUNT, 5, "f" * 64)], NOW, ())


def edit_heads(file: AnchorFile) -> None:
    heads = file.path.with_name("anchor.heads-2")
    heads.write_text(heads.read_text("utf-8").replace(",6,", ",5,"), "utf-8")


def older_heads(file: AnchorFile) -> None:
    file.path.with_name("anchor.heads-2").write_text('["3001",5,"' + "f" * 64 + '"]\n', "utf-8")


def lose_heads(file: AnchorFile) -> None:
    file.path.with_name("anchor.heads-2").unlink()


def garble(file: AnchorFile) -> None:
    file.path.write_bytes(b"\xff\x00\n")


@pytest.mark.parametrize(
    "tamper",
    [
        rewrite(lambda line: line.update(heads="f" * 64)),
        rewrite(lambda line: line.update(at="2026-10-01T00:00:00Z"), 2),
        rewrite(lambda line: line.update(accounts=1), 2),
        rewrite(lambda line: line.update(broken=["3001"]), 2),
        rewrite(lambda line: line.update(signature=""), 2),
        rewrite(lambda line: line.update(extra="unsigned"), 2),
        drop_first,
        swap_lines,
        repeat_last,
        sign_anew_with_another_key,
        edit_heads,
        older_heads,
        lose_heads,
        garble,
    ],
    ids=[
        *("digest", "time", "count", "broken", "no_signature", "unsigned_field", "drop_first", "swap", "repeat"),
        *("another_key", "edit_heads", "other_heads", "lose_heads", "garble"),
    ],
)
def test_a_tampered_anchor_is_found_and_nothing_more_is_anchored(
    anchor: RegisterAnchor, tamper: Callable[[AnchorFile], None]
) -> None:
    anchor.anchor(NOW)
    SqlRegister(anchor.engine).write(record(2, evidence=(evidence(6),)))
    anchor.anchor(NOW + DAY)
    assert anchor.head_of(ACCOUNT).state == "anchored"
    tamper(anchor.file)
    seen = anchor.head_of(ACCOUNT)
    assert (seen.state, seen.length) == ("broken", None)
    assert seen.reason_zh
    with pytest.raises(AnchorBroken):
        anchor.anchor(NOW + 2 * DAY)


def test_a_lost_file_is_said_to_be_missing(anchor: RegisterAnchor) -> None:
    anchor.anchor(NOW)
    anchor.file.path.unlink()
    assert anchor.head_of(ACCOUNT).state == "missing"


# ---- by command and by schedule --------------------------------------------------------------------


async def test_a_rebuilt_chain_is_found_by_the_commands_alone(world: World, tmp_path: Path) -> None:
    """`anchor` notes the heads down; `proof` reads them by itself; `anchor` again names whom it concerns."""
    place = tmp_path / "elsewhere" / "anchor"
    async with world.apart(tmp_path, anchor=place, anchor_key=SPELLED) as utility:
        case = await utility.open()
        await case.recorded("notice.issued")
        changes = {"ARREARS_ANCHOR": str(place), "ARREARS_ANCHOR_KEY": SPELLED}

        async def command(*arguments: str) -> Ended:
            return await program(utility, *arguments, "--json", folder=tmp_path, **changes)

        line = json.loads((await command("anchor")).out)
        assert (line["number"], line["accounts"], line["public_key"]) == (1, 1, spelled(KEY.public_key()))
        sound = (await command("proof", case.account_id)).result
        assert (sound["record"]["intact"], sound["anchor"]["state"]) == (True, "anchored")
        with writing(utility.parts.register_engine) as connection:
            rebuild(connection, case.account_id)
        doubted = await command("proof", case.account_id)
        forged = json.loads(doubted.out)
        assert (forged["record"]["intact"], forged["record"]["reason_en"][:21]) == (False, "the chain was rebuilt")
        assert (doubted.code, json.loads(doubted.err)["type"]) == (1, "RecordNotIntact")
        for again in (("anchor", "--check"), ("anchor",)):
            named = await command(*again)
            assert (named.code, json.loads(named.err)["accounts"]) == (1, [case.account_id])
        place.write_text("not what was signed\n", "utf-8")
        other = await utility.open()
        await other.recorded("notice.issued")
        unsure = await command("proof", other.account_id)
        assert json.loads(unsure.out)["record"]["intact"]
        assert (unsure.code, json.loads(unsure.err)["type"]) == (1, "AnchorBroken")


async def test_the_schedule_anchors_by_itself(world: World, tmp_path: Path) -> None:
    settings = {"anchor": tmp_path / "anchor", "anchor_key": SPELLED}
    async with world.apart(tmp_path, **settings) as utility:
        case = await utility.open()
        await case.recorded("notice.issued")
        queue = utility.settings.task_queue
        assert await install_evidence_anchor(utility.client, queue, "Asia/Shanghai", 5, 30) == "created"
        assert await install_evidence_anchor(utility.client, queue, "Asia/Shanghai", 6, 0) == "updated"
        schedule = utility.client.get_schedule_handle(EVIDENCE_ANCHOR)
        await schedule.trigger()
        assert utility.parts.anchor is not None
        for _ in range(100):
            if utility.parts.anchor.head_of(case.account_id).state == "anchored":
                break
            await asyncio.sleep(0.1)
        assert utility.parts.anchor.head_of(case.account_id).state == "anchored"
        await schedule.delete()


async def test_without_a_file_the_command_says_what_is_missing(world: World, tmp_path: Path) -> None:
    ended = await program(world, "anchor", "--json", folder=tmp_path)
    assert (ended.code, "ARREARS_ANCHOR" in ended.err) == (2, True)


# ---- keys ------------------------------------------------------------------------------------------


def test_who_holds_the_public_key_alone_can_check(anchor: RegisterAnchor) -> None:
    anchor.anchor(NOW)
    auditor = RegisterAnchor(anchor.engine, AnchorFile(anchor.file.path, (KEY.public_key(),)))
    assert proof(auditor)
    assert not auditor.signs


def test_a_new_signing_key_goes_on_where_the_old_one_ended(anchor: RegisterAnchor) -> None:
    anchor.anchor(NOW)
    both = AnchorFile(anchor.file.path, (OTHER_KEY.public_key(), KEY.public_key()), OTHER_KEY)
    assert RegisterAnchor(anchor.engine, both).anchor(NOW + DAY).number == 2
    assert [line.number for line in both.lines()] == [1, 2]
    with pytest.raises(AnchorBroken, match="not trusted"):
        anchor.file.lines()
