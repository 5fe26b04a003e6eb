"""The dispatcher with real receivers: at once, the urgent first, the next channel if one fails, and no row lost."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from adapters.channels.apprise import AppriseChannels, check_addresses
from adapters.channels.dispatcher import LANES, POLL_SECONDS, OutboxDispatcher
from adapters.channels.routes import Routes
from adapters.register.deliveries import DeliveryReader
from adapters.register.outbox import Parcel, SqlOutbox
from adapters.register.writing import SqlRegister, open_register
from composition.logs import configure_logging
from domain.record.deliveries import ChannelTry
from tests.support.receivers import HOST, Hook, free_port, hook, mailbox
from tests.support.register_reading import messages_unsent
from tests.support.register_records import case_row, message, record


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    yield engine
    engine.dispose()


def to(receiver: Hook, kind: str = "app") -> dict[str, str]:
    return {"kind": kind, "url": f"json://{HOST}:{receiver.port}/inbox?:unit={{unit}}"}


def routes(*entries: dict[str, Any], seconds: float = 2) -> Routes:
    return Routes.model_validate({"seconds": seconds, "staff": entries})


def crew(*channels: dict[str, str], **more: str) -> dict[str, Any]:
    return {"role": "field_crew", "channels": channels, **more}


@contextmanager
def sending(
    engine: Engine,
    table: Routes,
    ahead: timedelta = timedelta(),
    poll_seconds: float = POLL_SECONDS,
    outbox: SqlOutbox | None = None,
) -> Iterator[SqlRegister]:
    """A dispatcher at work; the register that its worker writes to."""
    check_addresses(table)
    dispatcher = OutboxDispatcher(
        outbox or SqlOutbox(engine),
        table,
        AppriseChannels(table.seconds),
        lambda: datetime.now(UTC) + ahead,
        poll_seconds,
    )
    dispatcher.start()
    try:
        yield SqlRegister(engine, hands_on=True, after_filing=dispatcher.wake)
    finally:
        dispatcher.stop()


def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def revoked(key: str = "m-revoked", unit: str = "FU-02", **more: Any) -> Any:
    return message(key, to_role="field_crew", to_unit=unit, to_person=None, subject="permit revoked", **more)


def outcomes(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT channel, outcome FROM deliveries ORDER BY attempt, place"))
        return [(row[0], row[1]) for row in rows]


def test_a_revocation_goes_out_as_soon_as_it_is_filed(engine: Engine) -> None:
    """Nobody polls for it: the dispatcher is woken."""
    with hook() as receiver, sending(engine, routes(crew(to(receiver))), poll_seconds=3600) as register:
        register.write(record(messages=(revoked(text_zh="停电许可已撤销"),)))
        until(lambda: receiver.bodies != [])
        until(lambda: messages_unsent(engine) == 0)
    assert receiver.keys == ["m-revoked"]
    [body] = receiver.bodies
    assert (body["title"], body["message"], body["unit"]) == (
        "撤销停电许可 permit revoked",
        "停电许可已撤销\n\nplease deliver",
        "FU-02",
    )
    assert outcomes(engine) == [("app", "accepted")]


def test_a_row_that_another_worker_filed_is_found(engine: Engine) -> None:
    """Nobody wakes the dispatcher: it polls each second."""
    assert POLL_SECONDS == 1
    with hook() as receiver, sending(engine, routes(crew(to(receiver)))):
        SqlRegister(engine, hands_on=True).write(record(messages=(revoked(),)))
        until(lambda: receiver.bodies != [])


def test_a_backlog_of_notices_to_a_slow_receiver_does_not_delay_a_revocation(engine: Engine) -> None:
    """A hundred notices, each taking a second of one lane: it overtakes all of them that are not out yet."""
    with hook(slow=1) as slow, hook() as receiver:
        readers = {"role": "reader", "channels": [to(slow)]}
        with sending(engine, routes(crew(to(receiver)), readers, seconds=10)) as register:
            register.write(record(1, messages=tuple(message(f"m-{n:03}") for n in range(100))))
            until(lambda: len(slow.bodies) >= 2)
            before = len(slow.bodies)
            register.write(record(2, messages=(revoked(),)))
            until(lambda: receiver.bodies != [])
            assert sum(at < receiver.at[0] for at in slow.at) <= before + LANES


def test_a_dead_channel_of_one_unit_does_not_delay_another_unit(engine: Engine) -> None:
    """More revocations for a receiver that hangs than there are lanes: another crew is notified once that is clear."""
    with hook(slow=60) as hanging, hook() as receiver:
        table = routes(crew(to(hanging), unit="FU-01"), crew(to(receiver), unit="FU-02"), seconds=0.5)
        with sending(engine, table) as register:
            lost = tuple(revoked(f"m-{n}", "FU-01") for n in range(LANES * 5))
            register.write(record(1, messages=lost))
            until(lambda: hanging.bodies != [])
            register.write(record(2, messages=(revoked(),)))
            until(lambda: receiver.bodies != [])
            assert sum(at < receiver.at[0] for at in hanging.at) <= LANES + 1, "the others waited for one to find out"
            assert messages_unsent(engine) >= len(lost)


def test_the_next_channel_is_tried_and_each_try_is_on_record(engine: Engine) -> None:
    with mailbox(recipient="550 no such user") as box, hook(status=503) as refusing, hook() as receiver:
        mail = {"kind": "email", "url": f"mailto://{HOST}:{box.port}?from=a@example.cn&to={{unit}}@example.cn"}
        table = routes(crew(mail, to(refusing, "wecom"), to(Hook(port=free_port()), "sms"), to(receiver)))
        with sending(engine, table) as register:
            register.write(record(messages=(revoked(),)))
            until(lambda: messages_unsent(engine) == 0)
    assert outcomes(engine) == [("email", "refused"), ("wecom", "refused"), ("sms", "dead"), ("app", "accepted")]


def test_what_nobody_accepts_is_tried_again_until_somebody_does(engine: Engine) -> None:
    with hook(status=503) as receiver, sending(engine, routes(crew(to(receiver)))) as register:
        register.write(record(messages=(revoked(),)))
        until(lambda: receiver.bodies != [])
        receiver.status = 200
        until(lambda: messages_unsent(engine) == 0)
    assert outcomes(engine) == [("app", "refused"), ("app", "accepted")]
    assert receiver.keys == ["m-revoked"] * 2


def test_two_workers_send_each_message_once(engine: Engine) -> None:
    with hook() as receiver:
        # A busy machine may take more than two seconds: what had arrived would be given up, and sent again.
        table = routes({"role": "reader", "channels": [to(receiver)]}, seconds=10)
        with sending(engine, table) as register, sending(engine, table):
            register.write(record(messages=tuple(message(f"m-{n:03}") for n in range(80))))
            until(lambda: messages_unsent(engine) == 0)
    assert sorted(k for k in receiver.keys if k) == [f"m-{n:03}" for n in range(80)]


def test_what_a_dead_worker_had_in_hand_is_sent_by_the_next(engine: Engine) -> None:
    """It died after the receiver's yes, before its note: sent again, under the same key, once its claim has run out."""
    with hook() as receiver:
        table = routes(crew(to(receiver)))
        SqlRegister(engine, hands_on=True).write(record(messages=(revoked(),)))
        [_lost] = SqlOutbox(engine).claim(datetime.now(UTC), timedelta(seconds=30), 1, 9)
        with sending(engine, table):
            time.sleep(1.2)
            assert receiver.keys == []
        with sending(engine, table, ahead=timedelta(seconds=31)):
            until(lambda: messages_unsent(engine) == 0)
    assert receiver.keys == ["m-revoked"]


def given_up(engine: Engine) -> list[tuple[str, str | None]]:
    return [(d.message_key, d.reason) for d in DeliveryReader(engine).deliveries(state="given_up")]


def test_a_message_to_somebody_without_a_channel_is_kept_as_given_up(engine: Engine) -> None:
    """And is sent when there is one, and somebody asks for it."""
    with hook() as receiver:
        with sending(engine, routes(crew(to(receiver), unit="FU-09"))) as register:
            register.write(record(messages=(revoked(),)))
            until(lambda: messages_unsent(engine) == 0)
        assert (receiver.bodies, outcomes(engine), given_up(engine)) == ([], [], [("m-revoked", "no_route")])
        with sending(engine, routes(crew(to(receiver)))):
            assert SqlOutbox(engine).send_again(["m-revoked"]) == ("m-revoked",)
            until(lambda: messages_unsent(engine) == 0)
    assert (receiver.keys, outcomes(engine), given_up(engine)) == (["m-revoked"], [("app", "accepted")], [])


def test_what_nobody_accepts_for_three_days_is_kept_as_given_up(engine: Engine) -> None:
    with hook(status=503) as refusing:
        table = routes(crew(to(refusing)))
        with sending(engine, table) as register:
            register.write(record(messages=(revoked(),)))
            until(lambda: outcomes(engine) == [("app", "refused")])
        with sending(engine, table, ahead=timedelta(days=3, minutes=1)):
            until(lambda: messages_unsent(engine) == 0)
    assert (outcomes(engine), given_up(engine)) == ([("app", "refused")] * 2, [("m-revoked", "nobody_accepted")])


def test_a_message_that_cannot_be_read_holds_up_no_other(engine: Engine) -> None:
    """Both are due in the same second, and the unreadable one is the more urgent."""
    SqlRegister(engine, hands_on=True).write(record(messages=(revoked("m-bad"), message("m-good"))))
    with engine.execution_options(writing=True).begin() as connection:
        connection.execute(text("UPDATE messages SET to_role = 'drone' WHERE key = 'm-bad'"))
    with hook() as receiver, sending(engine, routes({"role": "reader", "channels": [to(receiver)]})):
        until(lambda: messages_unsent(engine) == 0)
    assert (receiver.keys, given_up(engine)) == (["m-good"], [("m-bad", "unreadable")])


def test_every_line_about_a_message_says_account_stage_and_clause(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    with hook(status=503) as receiver:
        table = routes(crew(to(receiver), unit="FU-02"))
        with sending(engine, table) as register:
            messages = (revoked("m-1", "FU-01"), revoked("m-2"))
            register.write(record(case=case_row(stage="disconnected"), messages=messages))
            until(lambda: outcomes(engine) != [] and given_up(engine) != [])
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    seen = {(line["event"], line["message"]) for line in lines}
    assert seen == {("delivery.given_up", "m-1"), ("channel.tried", "m-2")}
    assert {(line["account"], line["stage"], line["clause"]) for line in lines} == {("3001", "disconnected", "III.1")}


@dataclass(frozen=True)
class Faulty(SqlOutbox):
    """An outbox with faults of ours in it: the first poll fails, and so does the note of each of the first messages."""

    polls: Iterator[int] = field(default_factory=count)
    notes: Iterator[int] = field(default_factory=count)

    def has_due(self, now: datetime) -> bool:
        """As the outbox, from the second poll on."""
        if next(self.polls) == 0:
            raise KeyError("张三")
        return super().has_due(now)

    def note(self, parcel: Parcel, tries: Sequence[ChannelTry], again_at: datetime | None) -> None:
        """As the outbox, once it has failed in every lane."""
        if next(self.notes) < LANES:
            raise KeyError("张三")
        super().note(parcel, tries, again_at)


def test_a_fault_of_ours_stops_no_lane_and_its_place_is_in_the_log(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    """In every lane at once: each is free again, and says where it was, of which account, and nothing of the text."""
    configure_logging("json")
    with hook() as receiver, sending(engine, routes(crew(to(receiver))), outbox=Faulty(engine)) as register:
        register.write(record(1, messages=tuple(revoked(f"m-{n}") for n in range(LANES))))
        until(lambda: len(receiver.bodies) == LANES)
        register.write(record(2, messages=(revoked("m-last"),)))
        until(lambda: "m-last" in receiver.keys)
    faults = [line for line in map(json.loads, capfd.readouterr().err.splitlines()) if line["event"] == "outbox.fault"]
    of_poll, *of_lanes = faults
    assert "has_due" in str(of_poll["exception"])
    assert sorted(line["message"] for line in of_lanes) == [f"m-{n}" for n in range(LANES)]
    assert "张三" not in str(of_lanes)
    for line in of_lanes:
        assert (line["level"], line["account"]) == ("critical", "3001")
        assert line["error"].startswith(f"KeyError at {__file__}:")


def test_a_register_that_is_down_is_waited_for(tmp_path: Path) -> None:
    """The dispatcher starts without a register, and sends once there is one."""
    folder = tmp_path / "later"
    folder.write_text("a file where the register's folder will be")
    engine = open_register(f"sqlite:///{folder / 'register.db'}")
    with hook() as receiver, sending(engine, routes(crew(to(receiver)))) as register:
        time.sleep(1.2)
        folder.unlink()
        register.write(record(messages=(revoked(),)))
        until(lambda: receiver.bodies != [])
    engine.dispose()
