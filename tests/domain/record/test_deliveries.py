"""What has come of a message, and why it was given up, has its texts in both languages."""

from typing import Any, get_args

import pytest

from domain.record.deliveries import DELIVERY_STATES, GIVEN_UP_FOR, DeliveryState, GivenUpFor


@pytest.mark.parametrize(
    ("words", "names"), [(DELIVERY_STATES, get_args(DeliveryState)), (GIVEN_UP_FOR, get_args(GivenUpFor))]
)
def test_each_state_and_reason_has_its_texts(words: dict[str, tuple[str, str]], names: tuple[Any, ...]) -> None:
    assert set(words) == set(names)
    assert all(zh and en and zh != en for zh, en in words.values())
