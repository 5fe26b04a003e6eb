"""The mark of a key ring: who understands whom while keys are changed, and that it is no key."""

import pytest

from domain.record.key_ring import KeyRingMark, difference, mark_of

K1, K2, K3 = (bytes([n]) * 32 for n in (1, 2, 3))
RINGS = {"none": {}, "k1": {"k1": K1}, "k2": {"k2": K2}, "k1,k2": {"k1": K1, "k2": K2}, "k2,k1": {"k2": K2, "k1": K1}}


def worker(ring: str, salt: str = "s") -> KeyRingMark:
    """The mark of a worker with this ring."""
    return mark_of(RINGS[ring], accepts_plain=False, salt=salt)


@pytest.mark.parametrize(
    ("here", "there", "understood"),
    [
        ("none", "none", True),
        ("k1", "k1", True),
        ("k1", "k1,k2", True),
        ("k1,k2", "k1", True),
        ("k1,k2", "k2,k1", True),
        ("k2", "k2,k1", True),
        ("none", "k1", False),
        ("k1", "none", False),
        ("k1", "k2", False),
        ("k1", "k2,k1", False),
        ("k2,k1", "k1", False),
    ],
)
def test_each_must_hold_the_key_that_the_other_writes(here: str, there: str, understood: bool) -> None:
    assert (difference(RINGS[here], worker(there)) is None) is understood


def test_the_same_name_for_another_key_is_another_key() -> None:
    assert difference({"k1": K3}, worker("k1")) is not None
    assert difference({"k9": K1}, worker("k1")) is not None


def test_two_marks_of_one_ring_are_alike_only_under_one_salt() -> None:
    assert worker("k1") == worker("k1")
    assert set(worker("k1").keys).isdisjoint(worker("k1", salt="t").keys)
    assert set(worker("k1").ids).isdisjoint(worker("k1", salt="t").ids)


def test_a_mark_holds_neither_key_nor_name() -> None:
    mark = worker("k1,k2").model_dump_json()
    assert not [part for part in (K1.hex(), K2.hex(), "k1", "k2") if part in mark]


def test_plain_payloads_are_accepted_by_who_encrypts() -> None:
    """Who has no keys reads nothing else, and that is no acceptance."""
    assert mark_of(RINGS["k1"], accepts_plain=True, salt="s").accepts_plain
    assert not mark_of({}, accepts_plain=True, salt="s").accepts_plain


def test_a_worker_is_known_to_have_a_key_by_its_name() -> None:
    assert worker("k1,k2").names("k2")
    assert not worker("k1").names("k2")
