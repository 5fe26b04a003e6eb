"""The codec by itself: what it believes, whom it refuses, and how its keys are read."""

import base64
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload

from client.payload_codec import KEY_ID, WORKFLOW, KeyRingError, read_key_ring
from domain.contract.refusals import UNBELIEVED
from tests.support.sealing import codec, key, plain, ring

ONE = "arrears-1001"
[LETTER] = plain({"reason": "张伟 asked for a stay"})


def refused(payload: Payload) -> str:
    """Why a payload was not believed; fails if it was."""
    assert payload.metadata["encoding"] == UNBELIEVED, payload
    return payload.data.decode()


def test_what_is_sealed_for_a_workflow_opens_there_and_shows_nothing_on_the_way() -> None:
    sealed = codec("k1", workflow_id=ONE).seal(LETTER)
    assert "张伟".encode() not in sealed.SerializeToString()
    assert codec("k1", workflow_id=ONE).open(sealed) == LETTER


def test_the_same_letter_is_never_the_same_twice() -> None:
    one = codec("k1", workflow_id=ONE)
    assert one.seal(LETTER).data != one.seal(LETTER).data


def test_a_payload_of_another_workflow_or_namespace_is_refused() -> None:
    sealed = codec("k1", workflow_id=ONE).seal(LETTER)
    assert "another workflow" in refused(codec("k1", workflow_id="arrears-1002").open(sealed))
    assert "namespace" in refused(codec("k1", workflow_id=ONE, namespace="elsewhere").open(sealed))


def test_a_payload_relabelled_for_another_workflow_is_refused() -> None:
    """Whoever moves it may rewrite what stands beside it in clear; the ciphertext itself is bound."""
    moved = codec("k1", workflow_id=ONE).seal(LETTER)
    moved.metadata[WORKFLOW] = b"arrears-1002"
    assert "altered" in refused(codec("k1", workflow_id="arrears-1002").open(moved))


def test_every_altered_byte_is_noticed() -> None:
    one = codec("k1", workflow_id=ONE)
    sealed = one.seal(LETTER)
    for place in range(len(sealed.data)):
        data = bytearray(sealed.data)
        data[place] ^= 1
        assert "altered" in refused(one.open(Payload(metadata=sealed.metadata, data=bytes(data))))


@pytest.mark.parametrize("length", [0, 5, 11, 12, 20])
def test_a_torn_off_payload_is_refused(length: int) -> None:
    one = codec("k1", workflow_id=ONE)
    sealed = one.seal(LETTER)
    refused(one.open(Payload(metadata=sealed.metadata, data=sealed.data[:length])))


def test_a_payload_in_clear_is_refused_unless_plain_ones_are_still_accepted() -> None:
    one = codec("k1", workflow_id=ONE)
    assert "not encrypted" in refused(one.open(LETTER))
    assert "not encrypted" in refused(one.open(Payload()))
    lenient = type(one)(one.ring, one.namespace, one.workflow_id, accept_plain=True)
    assert lenient.open(LETTER) == LETTER


def test_a_payload_that_calls_itself_unbelieved_stays_so() -> None:
    forged = Payload(metadata={"encoding": UNBELIEVED}, data=b"anything")
    refused(codec("k1", workflow_id=ONE).open(forged))


def test_keys_rotate_the_first_encrypts_and_all_decrypt() -> None:
    before = codec("k1", workflow_id=ONE).seal(LETTER)
    both = codec("k2", "k1", workflow_id=ONE)
    after = both.seal(LETTER)
    assert after.metadata[KEY_ID] == b"k2"
    assert both.open(before) == both.open(after) == LETTER
    assert "not in the ring" in refused(codec("k2", workflow_id=ONE).open(before))


def test_a_payload_under_another_keys_name_is_refused() -> None:
    both = codec("k1", "k2", workflow_id=ONE)
    sealed = both.seal(LETTER)
    sealed.metadata[KEY_ID] = b"k2"
    assert "altered" in refused(both.open(sealed))


def test_a_ring_is_read_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"# newest first\n{key('k2')}\n{key('k1')}  # until next year\n", "utf-8")
    assert read_key_ring("keys", tmp_path) == ring("k2", "k1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no-such-file", "path of a file"),
        (":" + base64.b64encode(bytes(range(32))).decode(), "an id of letters"),
        ("k1:%%%", "not base64"),
        ("k1:" + base64.b64encode(bytes(range(16))).decode(), "16 bytes, not 32"),
        ("k1:" + base64.b64encode(b"\0" * 32).decode(), "not random"),
        ("k1:" + base64.b64encode(b"changeme" * 4).decode(), "not random"),
        (f"{key('k1')},{key('k1')}", "stands there twice"),
        (f"{key('k1')},{key('k1').replace('k1:', 'k2:')}", "the same key"),
        (" : , ", "an id of letters"),
    ],
)
def test_a_ring_that_cannot_be_used_is_named_and_never_shown(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match=said) as caught:
        read_key_ring(text, tmp_path)
    encoded = text.partition(":")[2]
    assert len(encoded) < 10 or encoded not in str(caught.value)


def test_a_ring_shows_names_and_no_keys() -> None:
    assert repr(ring("k1", "k2")) == "KeyRing(k1, k2)"
