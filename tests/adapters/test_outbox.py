"""The outbox's queue: filed with the evidence or not at all, in one worker's hands at a time, the most urgent first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from adapters.register_tables import TABLES
from adapters.sql_outbox import SqlOutbox
from adapters.sql_register import SqlRegister, open_register
from domain.papers import TICKET_TITLES
from domain.records import TicketOrder
from domain.telling import ChannelTry
from tests.register_records import evidence, message, record, ticket

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
ACCEPTED = ChannelTry(channel="sms", outcome="accepted", at=NOW)
DEAD = ChannelTry(channel="email", outcome="dead", at=NOW)


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


def test_what_the_customer_is_told_is_sent_by_his_case_alone(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(messages=(message("m-1", to_role="customer"), message("m-2"))))
    assert claimed(outbox) == ["m-2"]


def test_two_messages_under_one_key_are_both_queued(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(1, messages=(message("m-1", subject="one"),)))
    register.write(record(2, messages=(message("m-1", subject="another"),)))
    assert [key.partition("~")[0] for key in claimed(outbox)] == ["m-1", "m-1"]


def test_a_light_and_a_revocation_overtake_a_thousand_notices(register: SqlRegister, outbox: SqlOutbox) -> None:
    register.write(record(1, messages=tuple(message(f"m-{n:04}") for n in range(1000))))
    register.write(record(2, messages=(message("m-revoked", to_role="field_crew", subject="permit revoked"),)))
    light = ticket(ticket_id="t-light", kind="restore")
    paper = message("m-light", to_role="field_crew", subject=TICKET_TITLES["restore"], about="t-light")
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
    assert outbox.count().messages == 1
    outbox.note(other, (DEAD, ACCEPTED), None)
    assert outbox.count().messages == 0
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
