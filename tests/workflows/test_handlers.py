"""The handlers that Temporal knows are those of the contract's table: names, sentences, validators, raw payloads."""

import inspect

import pytest
from temporalio.common import RawValue
from temporalio.workflow import _Definition

from domain.contract.tables import SIGNALS, UPDATES
from workflows.arrears_case import ArrearsCase

DEFINITION = _Definition.must_from_class(ArrearsCase)


def test_every_message_of_the_contract_has_its_handler_and_no_other_has_one() -> None:
    """But for the dynamic handler, without a name, which notes an unknown signal."""
    assert set(DEFINITION.signals) == {*SIGNALS, None}
    assert set(DEFINITION.updates) == set(UPDATES)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signals_handler_says_what_the_table_says_and_takes_the_raw_payload(name: str) -> None:
    handler = DEFINITION.signals[name]
    assert getattr(ArrearsCase, name) is handler.fn, "it is found by its name"
    assert handler.description == SIGNALS[name].description
    assert handler.arg_types == [RawValue]
    assert not inspect.iscoroutinefunction(handler.fn), "a signal is judged where it stands in the history"


@pytest.mark.parametrize("name", UPDATES)
def test_an_updates_handler_says_what_the_table_says_and_has_its_validator(name: str) -> None:
    handler = DEFINITION.updates[name]
    assert getattr(ArrearsCase, name) is handler.fn, "it is found by its name"
    assert handler.description == UPDATES[name].description
    assert handler.arg_types == [RawValue]
    assert handler.validator is not None, "a refusal of form would cost an event"


@pytest.mark.parametrize("handler", [*DEFINITION.signals.values(), *DEFINITION.updates.values()], ids=lambda h: h.name)
def test_every_handler_says_what_it_is_for(handler: object) -> None:
    assert getattr(handler, "description", None)
