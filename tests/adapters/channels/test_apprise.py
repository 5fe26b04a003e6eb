"""Channels with real receivers: what is accepted, refused or dead, within seconds, and that no log shows an address."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from adapters.channels import apprise
from adapters.channels.apprise import HANGING_AT_MOST, AppriseChannels, ChannelFault, Letter
from adapters.channels.routes import Channel
from composition.logs import configure_logging
from domain.record.deliveries import TryOutcome
from tests.support.receivers import HOST, Hook, Mailbox, free_port, hook, mailbox

LETTER = Letter("case/customer/1", "停电提醒 Supply will be cut", "将停电 {{phone}} ${X} \\n\nwill be cut")
KNOWN = {"phone": "+8613900000001", "email": "zhang.wei+home@example.cn"}
AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
SECONDS = 0.6
"""For a receiver that hangs."""
PATIENCE = 10.0
"""For one that answers: however busy the machine is, it does so in less."""


@pytest.fixture(scope="module", autouse=True)
def apprise_is_loaded() -> None:
    """A worker has it loaded before its first message; the first send of a test would be given up meanwhile."""
    AppriseChannels(PATIENCE).send(channel(f"json://{HOST}:1"), {}, LETTER)


def channel(url: str, kind: str = "c") -> Channel:
    return Channel.model_validate({"kind": kind, "url": url})


def mail(box: Mailbox) -> Channel:
    return channel(f"mailto://{HOST}:{box.port}?from=no-reply@example.cn&to={{email}}", "email")


def sms(receiver: Hook) -> Channel:
    return channel(f"json://user:s3cret@{HOST}:{receiver.port}/send?:to={{phone}}", "sms")


@contextmanager
def nobody(kind: str) -> Iterator[Channel]:
    yield mail(Mailbox(port=free_port())) if kind == "mail" else sms(Hook(port=free_port()))


@contextmanager
def a_mailbox(**behaviour: Any) -> Iterator[Channel]:
    with mailbox(**behaviour) as box:
        yield mail(box)


@contextmanager
def a_hook(**behaviour: Any) -> Iterator[Channel]:
    with hook(**behaviour) as receiver:
        yield sms(receiver)


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


HANGING = ("mail_hangs_after_data", "hook_slow", "hook_trickles")


@pytest.mark.parametrize("receiver", [r for r in RECEIVERS if r not in HANGING])
def test_what_comes_of_a_letter(receiver: str) -> None:
    make, outcome = RECEIVERS[receiver]
    with make() as to:
        assert AppriseChannels(PATIENCE).send(to, KNOWN, LETTER) == outcome


@pytest.mark.parametrize("receiver", HANGING)
def test_a_receiver_that_hangs_costs_the_channels_seconds_and_no_more(receiver: str) -> None:
    make, outcome = RECEIVERS[receiver]
    with make() as to:
        began = time.monotonic()
        assert AppriseChannels(SECONDS).send(to, KNOWN, LETTER) == outcome
        assert SECONDS <= time.monotonic() - began < PATIENCE < 20, "they would hang for 20 s and more"


def test_a_mail_says_what_the_outbox_says() -> None:
    with mailbox() as box:
        assert AppriseChannels(PATIENCE).send(mail(box), KNOWN, LETTER) == "accepted"
        [sent] = box.mails
    assert box.recipients == [["zhang.wei+home@example.cn"]]
    assert (sent["Subject"], sent["Idempotency-Key"]) == (LETTER.title, LETTER.key)
    assert sent.get_content_type() == "text/plain"
    assert sent.get_content().replace("\r\n", "\n").strip() == LETTER.body


def test_a_webhook_gets_text_number_and_the_key_of_the_message() -> None:
    with hook() as receiver:
        assert AppriseChannels(PATIENCE).send(sms(receiver), KNOWN, LETTER) == "accepted"
    assert receiver.keys == [LETTER.key]
    [body] = receiver.bodies
    assert (body["title"], body["message"], body["to"]) == (LETTER.title, LETTER.body, "+8613900000001")


def test_one_channel_after_the_other_until_one_accepts() -> None:
    """Dead, refused, nothing to address it by, accepted: four tries, in their order, each with its time; no fifth."""
    with mailbox(slow=30) as hanging, hook(status=503) as refusing, hook() as taking, mailbox() as never:
        ways = (mail(hanging), sms(refusing), channel("json://x/{unit}", "app"), sms(taking), mail(never))
        moments = (AT + timedelta(seconds=n) for n in range(9))
        tries = AppriseChannels(3).hand_on(ways, KNOWN, LETTER, lambda: next(moments))
    assert [(t.channel, t.outcome) for t in tries] == [
        ("email", "dead"),
        ("sms", "refused"),
        ("app", "unaddressed"),
        ("sms", "accepted"),
    ]
    assert [t.at for t in tries] == [AT + timedelta(seconds=n) for n in range(4)]
    assert (len(refusing.bodies), len(taking.bodies), never.mails) == (1, 1, [])


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def stuck(channels: AppriseChannels, way: Channel, sends: int) -> list[str]:
    """So many customers at once."""
    with ThreadPoolExecutor(sends) as customers:
        return list(customers.map(lambda _: channels.send(way, KNOWN, LETTER), range(sends)))


def test_one_message_that_hangs_takes_the_channel_from_nobody_else() -> None:
    """A gateway that is slow for one number: the next customer is notified by it all the same."""
    channels = AppriseChannels(SECONDS)
    with hook(slow=30) as receiver:
        assert channels.send(sms(receiver), KNOWN, LETTER) == "dead"
        receiver.slow = 0
        assert replace(channels, seconds=PATIENCE).send(sms(receiver), KNOWN, LETTER) == "accepted"


def test_a_channel_full_of_hanging_messages_is_passed_over_and_the_next_one_tried() -> None:
    """What was not tried is not called dead; nobody waits for it; and its receiver is asked no more meanwhile."""
    channels = AppriseChannels(SECONDS)
    with hook(trickles=True) as receiver, hook() as taking:
        full, next_one = sms(receiver), channel(f"json://{HOST}:{taking.port}/{{email}}", "app")
        assert stuck(channels, full, HANGING_AT_MOST) == ["dead"] * HANGING_AT_MOST
        began = time.monotonic()
        assert [channels.send(full, KNOWN, LETTER) for _ in range(5)] == ["passed_over"] * 5
        assert time.monotonic() - began < SECONDS
        tries = replace(channels, seconds=PATIENCE).hand_on((full, next_one), KNOWN, LETTER, lambda: AT)
        assert len(receiver.bodies) <= HANGING_AT_MOST
    assert [(t.channel, t.outcome) for t in tries] == [("sms", "passed_over"), ("app", "accepted")]


def test_a_channel_that_was_full_serves_again_as_soon_as_its_receiver_lets_go() -> None:
    channels = AppriseChannels(SECONDS)
    with hook(trickles=True) as receiver:
        stuck(channels, full := sms(receiver), HANGING_AT_MOST)
    until(lambda: channels.send(full, KNOWN, LETTER) == "dead")  # tried, and nobody is there any more


def test_a_channel_that_never_lets_go_is_tried_again_by_one() -> None:
    """One message in each pause finds out, and then one after the other: no worker is started anew for it."""
    channels = AppriseChannels(SECONDS, probe_every=2.0)
    with hook(trickles=True) as receiver:
        stuck(channels, full := sms(receiver), HANGING_AT_MOST)
        until(lambda: len(receiver.bodies) == HANGING_AT_MOST)
        receiver.trickles, receiver.slow = False, 1
        assert stuck(channels, full, 3) == ["passed_over"] * 3
        time.sleep(2)
        patient = replace(channels, seconds=PATIENCE)
        assert sorted(stuck(patient, full, 3)) == ["accepted", "passed_over", "passed_over"]
        assert patient.send(full, KNOWN, LETTER) == "accepted"


def test_a_fault_of_ours_is_loud_and_shows_no_address(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is no outcome of the channel; and the thread in which it happened prints nothing of what it was doing."""

    def stumbles(address: str, _letter: Letter, _seconds: float) -> None:
        raise KeyError(address)

    monkeypatch.setattr(apprise, "_send", stumbles)
    with pytest.raises(ChannelFault, match=r"^channel sms: KeyError at .*test_apprise.py:\d+$") as fault:
        AppriseChannels(PATIENCE).send(sms(Hook(port=1)), KNOWN, LETTER)
    assert (fault.value.__cause__, fault.value.__context__) == (None, None)
    assert [secret for secret in ("13900000001", "s3cret", "Traceback") if secret in "".join(capfd.readouterr())] == []


def test_a_fault_of_ours_in_one_channel_leaves_nobody_untold_by_the_next(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """R-16: it may be the one that the customer prefers, and would be tried first again and again."""
    as_it_is = apprise._send

    def stumbles_over_mail(address: str, letter: Letter, seconds: float) -> TryOutcome:
        if not address.startswith("json"):
            raise KeyError(address)
        return as_it_is(address, letter, seconds)

    monkeypatch.setattr(apprise, "_send", stumbles_over_mail)
    with mailbox() as box, hook() as receiver:
        tries = AppriseChannels(PATIENCE).hand_on((mail(box), sms(receiver)), KNOWN, LETTER, lambda: AT)
    assert [(t.channel, t.outcome) for t in tries] == [("email", "unknown"), ("sms", "accepted")]
    assert len(receiver.bodies) == 1
    assert "channel email: KeyError at" in capfd.readouterr().err


def test_a_line_of_a_send_says_of_which_account_it_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is written in a thread of the send's own."""

    def unreachable(_address: str, _seconds: float, _key: str) -> None:
        raise OSError(f"no route to {KNOWN['phone']}")

    monkeypatch.setattr(apprise, "_service", unreachable)
    configure_logging("json")
    with structlog.contextvars.bound_contextvars(account="3001"):
        assert AppriseChannels(PATIENCE).send(sms(Hook(port=1)), KNOWN, LETTER) == "dead"
    [line] = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (line["event"], line["account"], line["error"]) == ("channel.failed", "3001", "OSError")


def test_no_log_shows_a_number_an_address_or_a_password(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    channels = AppriseChannels(SECONDS)
    for make, _ in RECEIVERS.values():
        with make() as to:
            channels.send(to, KNOWN, LETTER)
    channels.send(channel("mailto://user:s3cret@{phone}/{email}"), KNOWN, LETTER)
    channels.send(channel("nosuch://user:s3cret@host/{phone}"), KNOWN, LETTER)
    said = "".join(capfd.readouterr())
    assert [secret for secret in ("13900000001", "zhang.wei", "s3cret") if secret in said] == []
