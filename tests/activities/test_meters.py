"""Whose meter it is: a restoration ticket waits neither for billing nor for a fault in its answer (R-34)."""

import time

import pytest

from activities.billing import BillingUnavailable
from activities.meters import WhoseMeter


class Directory:
    """A billing system that does this when it is asked."""

    def __init__(self, does: object) -> None:
        self.does = does

    def account_of_meter(self, meter_id: str) -> str | None:
        """Fail so, sleep so long, or name that account."""
        del meter_id
        if isinstance(self.does, Exception):
            raise self.does
        if isinstance(self.does, float):
            time.sleep(self.does)
            return "A-late"
        return str(self.does)


@pytest.mark.parametrize("does", [BillingUnavailable("down"), KeyError("account_id"), RuntimeError("a bug"), 0.5])
def test_whatever_keeps_the_answer_the_ticket_goes_without_it(does: object) -> None:
    assert WhoseMeter(Directory(does), seconds=0.1)("M-1") is None


def test_an_account_that_billing_names_is_named() -> None:
    assert WhoseMeter(Directory("A-1"), seconds=5.0)("M-1") == "A-1"
