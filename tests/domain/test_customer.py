"""What of a customer's record has changed: what is typed otherwise and says the same, has not (R-32)."""

from typing import Any

import pytest

from domain.customer import Account, CustomerCard, changed_fields

CARD = CustomerCard(
    account_id="1001", name="王小明", address="花园路 12 号，3-2-501", phone="138-7700-2941", email="Wang@Example.cn"
)
ACCOUNT = Account(
    account_id="1001",
    customer_class="residential",
    meter_id="M-A-00001",
    reading_centre="RC-03",
    reader="r-017",
    team_leader="t-003",
    field_unit="FU-02",
    business_station="BS-01",
    region="城北",
)

SAME: dict[str, dict[str, Any]] = {
    "width": {"address": "花园路１２号，３－２－５０１", "phone": "１３８７７００２９４１"},
    "case": {"email": "wang@example.CN"},
    "blanks": {"name": " 王 小　明 ", "address": "花园路12号，3-2-501"},
    "punctuation": {"address": "花园路12号（3-2-501）", "phone": "138 7700 2941"},
    "nothing-to-see": {"name": "王小\u200b明\ufeff"},
}
ANOTHER: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a-holder": ({"name": "李红"}, ("name",)),
    "a-rare-letter": ({"name": "王小\ue815"}, ("name",)),
    "a-house": ({"address": "花园路 13 号，3-2-501"}, ("address",)),
    "no-phone-any-more": ({"phone": ""}, ("phone",)),
    "a-channel": ({"preferred_channel": "email"}, ("preferred_channel",)),
    "all-at-once": (
        {"name": "李红", "address": "东风路1号", "phone": "1", "email": "l@x.cn", "preferred_channel": "sms"},
        ("name", "address", "phone", "email", "preferred_channel"),
    ),
}


@pytest.mark.parametrize("typed", SAME.values(), ids=SAME)
def test_what_is_typed_by_another_hand_is_no_change(typed: dict[str, Any]) -> None:
    assert changed_fields(CARD, CARD.model_copy(update=typed)) == ()


@pytest.mark.parametrize(("says", "fields"), ANOTHER.values(), ids=ANOTHER)
def test_what_says_something_else_is_named(says: dict[str, Any], fields: tuple[str, ...]) -> None:
    assert changed_fields(CARD, CARD.model_copy(update=says)) == fields
    assert changed_fields(CARD.model_copy(update=says), CARD) == fields


def test_a_mark_changes_with_every_field_and_with_nothing_else() -> None:
    again = ACCOUNT.model_copy(update={"meter_id": "m－a－００００１", "region": "城 北"})
    assert again.mark() == ACCOUNT.mark()
    others = dict.fromkeys(Account.model_fields, "another") | {
        "customer_class": "non_residential",
        "important": True,
        "meter_has_twin": True,
    }
    marks = {ACCOUNT.model_copy(update={name: value}).mark() for name, value in others.items()}
    assert len(marks | {ACCOUNT.mark()}) == len(others) + 1
