"""`deliveries`: what was sent, waits or was given up, for scripts and for people, and how it is sent again."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.register.outbox import SqlOutbox
from adapters.register.writing import SqlRegister
from composition.parts import build
from composition.settings.loading import load_settings
from domain.record.deliveries import ChannelTry
from tests.edge.commands.test_application import Cli, cli
from tests.support.register_reading import messages_unsent
from tests.support.register_records import case_row, message, record

__all__ = ["cli"]

NOW = datetime.now(UTC)
REFUSED = ChannelTry(channel="sms", outcome="refused", at=NOW)


@pytest.fixture
def outbox(cli: Cli) -> SqlOutbox:
    """One message that was given up, one sent, one that waits; another account's was never to be sent by channels."""
    del cli  # its environment is set first
    parts = build(load_settings())
    register, outbox = SqlRegister(parts.register_engine, hands_on=True), parts.outbox
    messages = (message("m-lost", to_role="station_head", to_person=None), message("m-sent"), message("m-waits"))
    register.write(record(1, messages=messages))
    lost, sent, waits = outbox.claim(NOW, timedelta(seconds=30), 3, 9)
    outbox.give_up(lost, (), "no_route", NOW)
    outbox.note(sent, (REFUSED, REFUSED.model_copy(update={"channel": "app", "outcome": "accepted"})), None)
    outbox.note(waits, (REFUSED.model_copy(update={"outcome": "passed_over"}),), NOW + timedelta(seconds=30))
    other = case_row(account_id="4001", case_key="run-2")
    SqlRegister(parts.register_engine).write(record(case=other, messages=(message("m-other"),)))
    return outbox


async def test_a_script_learns_what_came_of_each_message(cli: Cli, outbox: SqlOutbox) -> None:
    del outbox
    found = (await cli("deliveries", "--account", "3001", "--json")).result["deliveries"]
    assert {one["message_key"]: (one["state"], one["reason"], len(one["tries"])) for one in found} == {
        "m-lost": ("given_up", "no_route", 0),
        "m-sent": ("sent", None, 2),
        "m-waits": ("waiting", None, 1),
    }
    assert (await cli("deliveries", "--account", "4001", "--json")).result == {"deliveries": [], "queued_again": []}
    for option, key in (("--waiting", "m-waits"), ("--given-up", "m-lost")):
        assert [one["message_key"] for one in (await cli("deliveries", option, "--json")).result["deliveries"]] == [key]


async def test_a_person_reads_to_whom_when_and_by_which_channel(cli: Cli, outbox: SqlOutbox) -> None:
    del outbox
    said = (await cli("deliveries")).out
    for words in (
        "已发出 sent",
        "待发 waiting",
        "已放弃 given up",
        "未配置渠道",
        "sms: 被拒绝",
        "app: 已受理 accepted",
    ):
        assert words in said
    assert "渠道堵塞，未尝试" in said
    assert "请送达" not in said, "the text is for whom it was written to"


async def test_what_was_given_up_is_sent_again_and_nothing_else(cli: Cli, outbox: SqlOutbox) -> None:
    assert (await cli("deliveries", "--again", "--role", "reader", "--json")).result["queued_again"] == []
    assert "重新排队 queued again: 1" in (await cli("deliveries", "--again", "--account", "3001")).out
    assert messages_unsent(outbox.engine) == 2
    assert (await cli("deliveries", "--given-up", "--json")).result["deliveries"] == []
    [first] = outbox.claim(NOW + timedelta(seconds=1), timedelta(seconds=30), 9, 9)
    assert (first.message.key, first.attempt) == ("m-lost", 1)
    assert (await cli("deliveries", "--again", "--json")).result["queued_again"] == []


@pytest.mark.parametrize("options", [("--waiting", "--again"), ("--waiting", "--given-up"), ("--role", "king")])
async def test_a_wrong_command_line_changes_nothing(cli: Cli, outbox: SqlOutbox, options: tuple[str, ...]) -> None:
    ended = await cli("deliveries", *options, "--json")
    assert (ended.code, options[0] in ended.refusal["message"]) == (2, True)
    assert messages_unsent(outbox.engine) == 1
