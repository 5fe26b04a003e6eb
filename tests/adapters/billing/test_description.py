"""The description of billing's API, held against the adapter, the reference server, and questions nobody thought of."""

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi import checks as openapi_checks

from adapters.billing import answers, described, over_http
from adapters.billing.embedded import SqlBilling, open_billing
from tests.support.billing_api import TOKEN, BillingApi, description, schema, serving, wrong
from tests.support.billing_lines import bill, customer, paid

ANSWERS: dict[str, type[Any]] = {
    "/debts": answers.Debts,
    "/customers": answers.Customers,
    "/overdue-accounts": answers.OverdueAccounts,
    "/account-of-meter": answers.AccountOfMeter,
}


def operation(path: str) -> dict[str, Any]:
    """What the description says of a path, whichever its method."""
    (found,) = description()["paths"][path].values()
    return dict(found)


def answered(path: str) -> dict[str, Any]:
    """Schema and example of the good answer."""
    return dict(operation(path)["responses"]["200"]["content"]["application/json"])


def name_of(path: str) -> str:
    """The schema of the good answer, by name."""
    return str(answered(path)["schema"]["$ref"].rpartition("/")[2])


def refusal(path: str, answer: Any) -> str | None:
    """Why the adapter does not take this for an answer; None if it does."""
    try:
        described.read(ANSWERS[path], answer)
    except described.NotAsDescribed as problem:
        return str(problem)
    return None


def test_the_adapter_asks_what_is_described_and_nothing_else() -> None:
    assert set(description()["paths"]) == set(ANSWERS)
    limits = description()["components"]["schemas"]
    assert limits["DebtQuestions"]["properties"]["queries"]["maxItems"] == over_http.IN_ONE_QUESTION
    assert limits["CustomerQuestions"]["properties"]["account_ids"]["maxItems"] == over_http.IN_ONE_QUESTION


@pytest.mark.parametrize("name", description()["components"]["schemas"])
def test_each_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(description()["components"]["schemas"][name])


@pytest.mark.parametrize("path", ANSWERS)
def test_the_examples_are_as_described_and_the_adapter_takes_them(path: str) -> None:
    example = answered(path)["example"]
    assert wrong(name_of(path), example) is None
    assert refusal(path, example) is None
    if "requestBody" in operation(path):
        asked = operation(path)["requestBody"]["content"]["application/json"]
        assert wrong(asked["schema"]["$ref"].rpartition("/")[2], asked["example"]) is None


WRONG_FOR_SOME: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 86.4, 1e300, [], {}, [[]], "", " ", "x", "known", "unknown", "no", "1001 ", "\n", "a\nb"),
    *("a" * 129, "0.00", "1.234", "-1.00", "1e3", "١٠", "NaN", "1" * 13, "2026-10-25", "2026-02-30", "1999-01-01"),
    *("2026-10-26T12:00:00+08:00", "2026-10-26 12:00:00Z", "2026-10-26T12:00:00", "2026-10-26T12:00Z", "2026-1-1"),
    *("2200-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-10-26T12:00:00.1234567Z", "residential"),
)
_SUMS = ("outstanding", "paid_total", "one stands here twice", "less than its part", "stand together", "is listed")
"""What the adapter refuses, and no schema can say."""


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a value."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*way, key)
        yield from places(one, (*way, key))


def differing(good: Any) -> Iterator[Any]:
    """The good answer with one thing wrong, or said otherwise, in every place."""
    for way in places(good):
        for value in (..., "one more", *WRONG_FOR_SOME):
            changed = copy.deepcopy(good)
            found = changed
            for step in way[:-1]:
                found = found[step]
            if value is ...:
                del found[way[-1]]
            elif value == "one more" and isinstance(found, dict):
                found["more"] = value
            else:
                found[way[-1]] = value
            yield changed


@pytest.mark.parametrize("path", ANSWERS)
def test_the_adapter_takes_what_the_description_allows_and_nothing_else(path: str) -> None:
    """They are written twice, for two readers; here is where they are held together."""
    check, taken, refused = schema(name_of(path)), 0, 0
    for changed in differing(answered(path)["example"]):
        described, why = check.is_valid(changed), refusal(path, changed)
        if why is None:
            assert described, changed
            taken += 1
        else:
            assert not described or any(word in why for word in _SUMS), (why, changed)
            refused += 1
    assert taken > 10
    assert refused > 30


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
@settings(max_examples=50, deadline=None)
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    for path, kind in ANSWERS.items():
        assert refusal(path, value)
        given_so = dict.fromkeys(kind.model_fields, value)
        why, described = refusal(path, given_so), schema(name_of(path)).is_valid(given_so)
        # Unprintable beyond ASCII, such as a lone surrogate, is barred in words: no pattern says it in every dialect.
        assert (why is None) == described or (why and described and "control characters" in why)


# ---- the reference server, asked what the description allows, and what it does not ------------------------


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BillingApi]:
    """The reference server over a small book."""
    book = open_billing(f"sqlite:///{tmp_path_factory.mktemp('fuzzed') / 'billing.db'}", "Asia/Shanghai")
    fill(book)
    with serving(BillingApi(book)) as running:
        yield running
    book.close()


def fill(book: SqlBilling) -> None:
    """Accounts of the description's examples, one that owes, one that has paid."""
    book.add_customers([customer("1001"), customer("1003")])
    book.add_bills([bill("B-1001-1"), bill("b2", due=date(2026, 9, 1)), bill("b3", "1003")])
    book.add_payments([paid("p1", "30.00"), paid("p3", "120.00", "1003")])


@pytest.mark.parametrize("path", ANSWERS)
def test_the_reference_server_keeps_to_the_description_whatever_it_is_asked(api: BillingApi, path: str) -> None:
    """Fuzzed from the description: never a 500, no undescribed status or answer, no wrong question answered."""
    loaded = schemathesis.openapi.from_dict(description())
    (method,) = description()["paths"][path]
    asked = loaded[path][method.upper()]
    # What a pattern cannot say, such as 30 February, is allowed by the schema and refused by the server all the same.
    excluded = [openapi_checks.positive_data_acceptance, openapi_checks.unsupported_method]

    @given(case=asked.as_strategy() | asked.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def ask(case: Any) -> None:
        case.call_and_validate(
            base_url=api.url, headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=excluded, timeout=20
        )

    ask()
