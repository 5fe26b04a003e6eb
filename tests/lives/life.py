"""What a life is: a customer and a list of steps, plain JSON, so that it can be printed, saved, played, shrunk."""

import json
from pathlib import Path
from typing import Any, NotRequired, TypedDict

Step = dict[str, Any]
"""`do` names the step (`tests.lives.procedure.STEPS`); whom it concerns is found in the case at play."""


class Customer(TypedDict):
    """Who the case is about: class, money owed, days past the due date when the life begins, and what opens it."""

    customer_class: str
    important: bool
    amount: str
    overdue_days: int
    opened_by: str


class Life(TypedDict):
    """One life of a case. `why` is for people: what was found with it."""

    customer: Customer
    steps: list[Step]
    why: NotRequired[str]


def to_text(life: Life) -> str:
    """The life as it is printed and saved: one step a line."""
    steps = ",\n  ".join(json.dumps(step, ensure_ascii=False) for step in life["steps"])
    why = f' "why": {json.dumps(life["why"], ensure_ascii=False)},\n' if "why" in life else ""
    return f'{{{why} "customer": {json.dumps(life["customer"])},\n "steps": [\n  {steps}\n ]}}'


def read(path: Path) -> Life:
    """A saved life."""
    life: Life = json.loads(path.read_text(encoding="utf-8"))
    return life
