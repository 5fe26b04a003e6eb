"""The outbox's queue: filed with the evidence or not at all, in one worker's hands at a time; nothing vanishes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from adapters.register.deliveries import DeliveryReader
from adapters.register.outbox import SqlOutbox
from adapters.register.tables import TABLES
from adapters.register.writing import SqlRegister, open_register
from composition.logs import configure_logging
from domain.record.deliveries import ChannelTry
from domain.record.rows import TicketOrder
from domain.record.subjects import subject
from tests.support.register_reading import messages_unsent
from tests.support.register_records import evidence, message, record, ticket

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
ACCEPTED = ChannelTry(channel="sms", outcome="accepted", at=NOW)
DEAD = ChannelTry(channel="email", outcome="dead", at=NOW)
ACCEPTED_LATER = ChannelTry(channel="sms", outcome="accepted", at=NOW + LEASE)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def register(engine: Engine) -> SqlRegister:
    return SqlRegister(engine, hands_on=True)


@pytest.fixture
def outbox(engine: Engine) -> SqlOutbox:
    return SqlOutbox(engine)


def claimed(outbox: SqlOutbox, now: datetime = NOW, limit: int = 10, least_urgent: int = 9) -> list[str]:
    return [p.message.key for p in outbox.claim(now, LEASE, limit, least_urgent)]


def deliveries(engine: Engine) -> list[tuple[str, int, str, str]]:
    query = text("SELECT message_key, attempt, channel, outcome FROM deliveries ORDER BY attempt, place")
    with engine.connect() as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def test_a_message_is_queued_in_the_transaction_that_files_it(
    engine: Engine, register: SqlRegister, outbox: SqlOutbox
) -> None:
    """A record that is not written leaves nothing to send; one repeated is sent once."""
    no_key = evidence(1).model_copy(update={"key": None})
    with pytest.raises(Exception, match=r"key|NULL|null"):
        register.write(record(1, evidence=(no_key,), messages=(message("m-1"),)))
    assert claimed(outbox) == []
    for _ in range(2):
        register.write(record(1, evidence=(evidence(1),), messages=(message("m-1"),)))
    assert claimed(outbox) == ["m-1"]
    assert deliveries(engine) == []


def test_without_channels_nothing_is_queued(engine: Engine, outbox: SqlOutbox) -> None:
    """Channels that are configured one day do not send what lay in the outbox for weeks."""
    SqlRegister(engine).write(record(messages=(message("m-1"),)))
    assert claimed(outbox) == []


def test_what_the_customer_is_notified_of_is_sent_by_his_case_alone(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(messages=(message("m-1", to_role="customer"), message("m-2"))))
    assert claimed(outbox) == ["m-2"]


def test_two_messages_under_one_key_are_both_queued(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(1, messages=(message("m-1", subject="one"),)))
    register.write(record(2, messages=(message("m-1", subject="another"),)))
    assert [key.partition("~")[0] for key in claimed(outbox)] == ["m-1", "m-1"]


def test_a_restoration_and_a_revocation_overtake_a_thousand_notices(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(1, messages=tuple(message(f"m-{n:04}") for n in range(1000))))
    register.write(record(2, messages=(message("m-revoked", to_role="field_crew", subject="permit revoked"),)))
    light = ticket(ticket_id="t-light", kind="restore")
    paper = message("m-light", to_role="field_crew", subject=subject("restoration_ticket"), about="t-light")
    register.send(TicketOrder(ticket=light, timezone="Asia/Shanghai", record=record(3)), paper)
    assert sorted(claimed(outbox, limit=4, least_urgent=1)) == ["m-light", "m-revoked"]
    assert claimed(outbox, limit=2) == ["m-0000", "m-0001"]


def test_a_message_is_in_one_hand_at_a_time(register: SqlRegister, engine: Engine) -> None:
    """Eight workers take from the same queue at once: each message goes to one of them."""
    register.write(record(messages=tuple(message(f"m-{n:03}") for n in range(60))))
    with ThreadPoolExecutor(8) as workers:
        taken = [key for keys in workers.map(lambda _: claimed(SqlOutbox(engine), limit=3), range(24)) for key in keys]
    assert len(taken) == len(set(taken)) > 0
    taken += claimed(SqlOutbox(engine), limit=100)
    assert sorted(taken) == [f"m-{n:03}" for n in range(60)]


def test_a_worker_that_dies_loses_what_it_had_in_hand(register: SqlRegister, outbox: SqlOutbox, engine: Engine) -> None:
    """It may have been sent, and is sent again; whoever was taken for dead takes nothing off the queue."""
    register.write(record(messages=(message("m-1"),)))
    [slow] = outbox.claim(NOW, LEASE, 10, 9)
    assert claimed(outbox, NOW + LEASE - timedelta(seconds=1)) == []
    [other] = outbox.claim(NOW + LEASE, LEASE, 10, 9)
    assert (other.message.key, other.attempt) == ("m-1", 2)
    outbox.note(slow, (ACCEPTED,), None)
    assert messages_unsent(outbox.engine) == 1
    outbox.note(other, (DEAD, ACCEPTED), None)
    assert messages_unsent(outbox.engine) == 0
    assert deliveries(engine) == [
        ("m-1", 1, "sms", "accepted"),
        ("m-1", 2, "email", "dead"),
        ("m-1", 2, "sms", "accepted"),
    ]


def test_what_nobody_accepted_is_put_back_for_later(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(messages=(message("m-1"),)))
    [parcel] = outbox.claim(NOW, LEASE, 10, 9)
    again_at = NOW + timedelta(seconds=5)
    outbox.note(parcel, (DEAD,), again_at)
    assert not outbox.has_due(NOW)
    assert outbox.has_due(again_at)
    assert [p.first_tried_at for p in outbox.claim(again_at, LEASE, 10, 9)] == [NOW]


def test_no_column_of_the_deliveries_could_hold_an_address(engine: Engine) -> None:
    del engine
    assert {c.name for c in TABLES.tables["deliveries"].columns} == {
        *("message_key", "claim", "place", "attempt", "channel", "outcome", "at"),
    }


def stands(engine: Engine, **wanted: Any) -> list[tuple[str, str, str | None, list[str]]]:
    """What the list of deliveries says: each message, its state, why it was given up, and what channels said."""
    found = DeliveryReader(engine).deliveries(**wanted)
    return [(d.message_key, d.state, d.reason, [t.outcome for t in d.tries]) for d in found]


def test_what_is_given_up_is_kept_with_its_reason_and_sent_again_when_asked(
    register: SqlRegister, outbox: SqlOutbox, engine: Engine
) -> None:
    register.write(record(messages=(message("m-1"), message("m-2", to_role="station_head"))))
    one, two = outbox.claim(NOW, LEASE, 10, 9)
    outbox.give_up(one, (DEAD,), "nobody_accepted", NOW)
    outbox.give_up(two, (), "no_route", NOW + LEASE)
    assert claimed(outbox, NOW + timedelta(days=9)) == []
    kept = [("m-2", "given_up", "no_route", []), ("m-1", "given_up", "nobody_accepted", ["dead"])]
    assert stands(engine, state="given_up") == kept
    assert stands(engine, state="given_up", role="station_head") == kept[:1]
    assert (outbox.send_again(["m-1", "m-9"]), outbox.send_again(["m-1"])) == (("m-1",), ())
    assert stands(engine, state="given_up") == kept[:1]
    [again] = outbox.claim(NOW + timedelta(days=9), LEASE, 10, 9)
    assert (again.message.key, again.attempt, again.first_tried_at) == ("m-1", 1, NOW + timedelta(days=9))
    outbox.note(again, (ACCEPTED_LATER,), None)
    assert stands(engine, account_id="3001", role="reader") == [("m-1", "sent", None, ["dead", "accepted"])]


def test_who_was_taken_for_dead_gives_up_nothing(register: SqlRegister, outbox: SqlOutbox, engine: Engine) -> None:
    register.write(record(messages=(message("m-1"),)))
    [slow] = outbox.claim(NOW, LEASE, 10, 9)
    [other] = outbox.claim(NOW + LEASE, LEASE, 10, 9)
    outbox.give_up(slow, (DEAD,), "nobody_accepted", NOW + LEASE)
    assert stands(engine) == [("m-1", "waiting", None, ["dead"])]
    outbox.give_up(other, (), "nobody_accepted", NOW + LEASE)
    assert stands(engine) == [("m-1", "given_up", "nobody_accepted", ["dead"])]


def test_what_was_sent_late_was_not_given_up(register: SqlRegister, outbox: SqlOutbox, engine: Engine) -> None:
    register.write(record(messages=(message("m-1"),)))
    [late] = outbox.claim(NOW, LEASE, 10, 9)
    [other] = outbox.claim(NOW + LEASE, LEASE, 10, 9)
    outbox.give_up(other, (DEAD,), "nobody_accepted", NOW + LEASE)
    outbox.note(late, (ACCEPTED_LATER,), None)
    assert stands(engine) == [("m-1", "sent", None, ["dead", "accepted"])]


def test_the_list_says_what_was_sent_what_waits_and_what_no_channel_of_the_customer_took(
    register: SqlRegister, outbox: SqlOutbox, engine: Engine
) -> None:
    """The newest first; of what waits the most urgent; what never went to channels is not in it."""
    later = NOW + timedelta(hours=1)
    told = message("m-told", to_role="customer", to_unit=None, to_person=None)
    register.write(record(1, messages=(told, message("m-sent"))))
    outbox.note_customer("m-told", (DEAD.model_copy(update={"outcome": "passed_over"}),))
    [sent] = outbox.claim(NOW, LEASE, 10, 9)
    outbox.note(sent, (DEAD, ACCEPTED), None)
    register.write(record(2, messages=(message("m-waits", at=later), message("m-urgent", subject="permit revoked"))))
    SqlRegister(engine).write(record(3, messages=(message("m-silent"),)))
    assert stands(engine) == [
        ("m-waits", "waiting", None, []),
        ("m-sent", "sent", None, ["dead", "accepted"]),
        ("m-told", "not_accepted", None, ["passed_over"]),
        ("m-urgent", "waiting", None, []),
    ]
    assert [key for key, *_ in stands(engine, state="waiting")] == ["m-urgent", "m-waits"]
    assert [key for key, *_ in stands(engine, limit=1)] == ["m-waits"]
    assert stands(engine, account_id="nobody") == []
    [shown] = DeliveryReader(engine).deliveries(role="customer")
    assert "please deliver" not in shown.model_dump_json()


UNREADABLE = {
    "role_of_a_later_version": ("UPDATE messages SET to_role = 'drone' WHERE key = 'm-1'", "to_role: literal_error"),
    "no_text": ("UPDATE messages SET text_zh = '' WHERE key = 'm-1'", "text_zh: string_too_short"),
    "gone": ("DELETE FROM messages WHERE key = 'm-1'", "it is not there"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_message_that_cannot_be_read_is_set_aside_and_holds_up_no_other(
    case: str, register: SqlRegister, outbox: SqlOutbox, engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    """The line says which and what is wrong with it, and quotes nothing of it."""
    register.write(record(messages=(message("m-1", text_en="for 张伟"), message("m-2"))))
    change, wrong = UNREADABLE[case]
    with engine.execution_options(writing=True).begin() as connection:
        connection.execute(text(change))
    configure_logging("json")
    assert claimed(outbox) == ["m-2"]
    said = capfd.readouterr().err
    assert [part for part in ("outbox.unreadable", '"m-1"', wrong) if part not in said] == []
    assert "张伟" not in said
    assert stands(engine, state="given_up") == [("m-1", "given_up", "unreadable", [])]
    assert claimed(outbox, NOW + timedelta(seconds=1)) == []


def test_a_time_that_is_none_is_unreadable_too(tmp_path: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """SQLite keeps whatever was written; the other database would not have taken it."""
    engine = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    SqlRegister(engine, hands_on=True).write(record(messages=(message("m-1"), message("m-2"))))
    with engine.execution_options(writing=True).begin() as connection:
        connection.execute(text("UPDATE messages SET at = 'yesterday' WHERE key = 'm-1'"))
    configure_logging("json")
    assert claimed(SqlOutbox(engine)) == ["m-2"]
    said = capfd.readouterr().err
    assert ("outbox.unreadable" in said, "yesterday" in said) == (True, False)
    engine.dispose()
