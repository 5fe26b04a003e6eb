"""A customer's channels with real receivers: his preferred one first, and the next if it fails (R-16)."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, text

from adapters.channels.apprise import AppriseChannels
from adapters.channels.customers import CustomersByApprise
from adapters.channels.routes import Channel
from adapters.register.outbox import SqlOutbox
from adapters.register.writing import SqlRegister, open_register
from domain.customer import CustomerCard, PreferredChannel
from tests.support.receivers import HOST, Hook, Mailbox, hook, mailbox
from tests.support.register_records import ACCOUNT, message

AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
NOTICE = message("case/customer/1", to_role="customer", to_unit=None, to_person=None)
PHONE, EMAIL = "13900000001", "zhang.wei@example.cn"
PATIENCE = 10.0
"""However busy the machine is, a receiver answers in less."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_register(database_url)
    yield engine
    engine.dispose()


class Receivers(NamedTuple):
    """A gateway for text messages, a mail server and the utility's app."""

    sms: Hook
    email: Mailbox
    app: Hook

    def channels(self) -> tuple[Channel, ...]:
        """The table: text message, mail, app."""
        urls = {
            "sms": f"json://{HOST}:{self.sms.port}/send?:to={{phone}}",
            "email": f"mailto://{HOST}:{self.email.port}?from=no-reply@example.cn&to={{email}}",
            "app": f"json://{HOST}:{self.app.port}/accounts/{{account}}",
        }
        return tuple(Channel.model_validate({"kind": kind, "url": url}) for kind, url in urls.items())

    def notified(self) -> dict[str, int]:
        """How many messages came to each."""
        return {"sms": len(self.sms.bodies), "email": len(self.email.mails), "app": len(self.app.bodies)}


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with ExitStack() as stack:
        gateway, box, app = (stack.enter_context(receiver) for receiver in (hook(), mailbox(), hook()))
        assert isinstance(gateway, Hook)
        assert isinstance(box, Mailbox)
        assert isinstance(app, Hook)
        yield Receivers(gateway, box, app)


def notify(
    engine: Engine,
    channels: tuple[Channel, ...],
    preferred: PreferredChannel | None,
    phone: str = PHONE,
    email: str = EMAIL,
) -> list[tuple[str, str]]:
    """Keep a card with that preference and notify the customer; what each channel said, in the order of the tries."""
    register, apprise = SqlRegister(engine), AppriseChannels(PATIENCE)
    register.keep_card(
        CustomerCard(
            account_id=ACCOUNT, name="张伟", address="人民路1号", phone=phone, email=email, preferred_channel=preferred
        )
    )
    tries = CustomersByApprise(channels, apprise, register, SqlOutbox(engine)).notify(ACCOUNT, NOTICE, AT)
    said: list[tuple[str, str]] = [(one.channel, one.outcome) for one in tries]
    with engine.connect() as connection:
        noted = connection.execute(text("SELECT channel, outcome FROM deliveries ORDER BY place")).all()
    assert [tuple(row) for row in noted] == said, "deliveries shows them in this order"
    return said


@pytest.mark.parametrize(
    ("preferred", "first"), [(None, "sms"), ("sms", "sms"), ("email", "email"), ("app", "app")], ids=str
)
def test_the_channel_that_he_prefers_is_tried_first_and_if_it_accepts_alone(
    engine: Engine, receivers: Receivers, preferred: PreferredChannel | None, first: str
) -> None:
    assert notify(engine, receivers.channels(), preferred) == [(first, "accepted")]
    assert receivers.notified() == {kind: int(kind == first) for kind in ("sms", "email", "app")}


def test_one_that_refuses_is_followed_by_the_others_in_the_order_of_the_table(
    engine: Engine, receivers: Receivers
) -> None:
    receivers.app.status = receivers.sms.status = 503
    assert notify(engine, receivers.channels(), "app") == [
        ("app", "refused"),
        ("sms", "refused"),
        ("email", "accepted"),
    ]
    assert receivers.email.recipients == [[EMAIL]]


def test_who_prefers_mail_and_has_given_no_address_is_notified_by_the_others(
    engine: Engine, receivers: Receivers
) -> None:
    said = notify(engine, receivers.channels(), "email", email="")
    assert said == [("email", "unaddressed"), ("sms", "accepted")]


def test_a_preference_that_no_channel_serves_changes_nothing(engine: Engine, receivers: Receivers) -> None:
    receivers.sms.status = 503
    assert notify(engine, receivers.channels()[:2], "app") == [("sms", "refused"), ("email", "accepted")]
