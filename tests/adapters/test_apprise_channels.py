"""Channels with real receivers: what is accepted, refused or dead, within seconds, and that no log tells an address."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.apprise_channels import AppriseChannels, Letter
from adapters.channel_routes import Channel
from adapters.log import configure_logging
from tests.receivers import HOST, Hook, Mailbox, free_port, hook, mailbox

LETTER = Letter("case/customer/1", "停电提醒 Supply will be cut", "将停电 {{phone}} ${X} \\n\nwill be cut")
KNOWN = {"phone": "+8613900000001", "email": "zhang.wei+home@example.cn"}
AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
SECONDS = 0.6


def channel(url: str, kind: str = "c") -> Channel:
    return Channel.model_validate({"kind": kind, "url": url})


def mail(box: Mailbox) -> Channel:
    return channel(f"mailto://{HOST}:{box.port}?from=no-reply@example.cn&to={{email}}", "email")


def sms(told: Hook) -> Channel:
    return channel(f"json://user:s3cret@{HOST}:{told.port}/send?:to={{phone}}", "sms")


@contextmanager
def nobody(kind: str) -> Iterator[Channel]:
    yield mail(Mailbox(port=free_port())) if kind == "mail" else sms(Hook(port=free_port()))


@contextmanager
def a_mailbox(**behaviour: Any) -> Iterator[Channel]:
    with mailbox(**behaviour) as box:
        yield mail(box)


@contextmanager
def a_hook(**behaviour: Any) -> Iterator[Channel]:
    with hook(**behaviour) as told:
        yield sms(told)


RECEIVERS: dict[str, tuple[Callable[[], AbstractContextManager[Channel]], str]] = {
    "mail_accepted": (a_mailbox, "accepted"),
    "mail_550_no_such_user": (lambda: a_mailbox(recipient="550 no such user"), "refused"),
    "mail_451_try_later": (lambda: a_mailbox(recipient="451 try again later"), "refused"),
    "mail_554_after_data": (lambda: a_mailbox(content="554 spam"), "refused"),
    "mail_hangs_after_data": (lambda: a_mailbox(slow=30), "dead"),
    "mail_nobody_there": (lambda: nobody("mail"), "dead"),
    "hook_200": (a_hook, "accepted"),
    "hook_202": (lambda: a_hook(status=202), "accepted"),
    "hook_302_to_a_login_page": (lambda: a_hook(status=302), "refused"),
    "hook_400": (lambda: a_hook(status=400), "refused"),
    "hook_401": (lambda: a_hook(status=401), "refused"),
    "hook_500": (lambda: a_hook(status=500), "refused"),
    "hook_503": (lambda: a_hook(status=503), "refused"),
    "hook_slow": (lambda: a_hook(slow=30), "dead"),
    "hook_trickles": (lambda: a_hook(trickles=True), "dead"),
    "hook_nobody_there": (lambda: nobody("hook"), "dead"),
}


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_what_comes_of_a_letter(receiver: str) -> None:
    """Whatever the receiver does, the answer is there within the channel's seconds."""
    make, outcome = RECEIVERS[receiver]
    channels = AppriseChannels(SECONDS)
    with make() as to:
        channels.send(channel(f"json://{HOST}:1"), {}, LETTER)  # Apprise is loaded by now
        began = time.monotonic()
        assert channels.send(to, KNOWN, LETTER) == outcome
        assert time.monotonic() - began < SECONDS + 0.5


def test_a_mail_says_what_the_outbox_says() -> None:
    with mailbox() as box:
        assert AppriseChannels(5).send(mail(box), KNOWN, LETTER) == "accepted"
        [sent] = box.mails
    assert box.recipients == [["zhang.wei+home@example.cn"]]
    assert (sent["Subject"], sent["Idempotency-Key"]) == (LETTER.title, LETTER.key)
    assert sent.get_content_type() == "text/plain"
    assert sent.get_content().replace("\r\n", "\n").strip() == LETTER.body


def test_a_webhook_gets_text_number_and_the_key_of_the_message() -> None:
    with hook() as told:
        assert AppriseChannels(5).send(sms(told), KNOWN, LETTER) == "accepted"
    assert told.keys == [LETTER.key]
    [body] = told.bodies
    assert (body["title"], body["message"], body["to"]) == (LETTER.title, LETTER.body, "+8613900000001")


def test_one_channel_after_the_other_until_one_accepts() -> None:
    """Dead, refused, nothing to address it by, accepted: four tries, in their order, each with its time; no fifth."""
    with mailbox(slow=30) as hanging, hook(status=503) as refusing, hook() as taking, mailbox() as never:
        ways = (mail(hanging), sms(refusing), channel("json://x/{unit}", "app"), sms(taking), mail(never))
        moments = (AT + timedelta(seconds=n) for n in range(9))
        tries = AppriseChannels(SECONDS).hand_on(ways, KNOWN, LETTER, lambda: next(moments))
    assert [(t.channel, t.outcome) for t in tries] == [
        ("email", "dead"),
        ("sms", "refused"),
        ("app", "unaddressed"),
        ("sms", "accepted"),
    ]
    assert [t.at for t in tries] == [AT + timedelta(seconds=n) for n in range(4)]
    assert (len(refusing.bodies), len(taking.bodies), never.mails) == (1, 1, [])


def test_a_receiver_that_hangs_is_not_given_a_second_letter_meanwhile() -> None:
    channels = AppriseChannels(SECONDS)
    with hook(trickles=True) as told:
        assert channels.send(sms(told), KNOWN, LETTER) == "dead"
        began = time.monotonic()
        assert [channels.send(sms(told), KNOWN, LETTER) for _ in range(5)] == ["dead"] * 5
        assert time.monotonic() - began < SECONDS
        assert len(told.bodies) == 1


def test_no_log_tells_a_number_an_address_or_a_password(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    channels = AppriseChannels(SECONDS)
    for make, _ in RECEIVERS.values():
        with make() as to:
            channels.send(to, KNOWN, LETTER)
    channels.send(channel("mailto://user:s3cret@{phone}/{email}"), KNOWN, LETTER)
    channels.send(channel("nosuch://user:s3cret@host/{phone}"), KNOWN, LETTER)
    said = "".join(capfd.readouterr())
    assert [secret for secret in ("13900000001", "zhang.wei", "s3cret") if secret in said] == []
