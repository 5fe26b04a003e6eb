"""Which policy a new case comes under, by the customer's class and region; a case keeps the one it opened with."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from domain.customer import Account
from domain.law.policy import DEFAULT_PACK, Policy
from domain.law.policy_file import PACKS, PolicyError, load_policy, policy_file, read_toml, said
from domain.vocabulary import Contract, CustomerClass, Id

_SAME_FOR_ALL = ("timezone", "currency")


class Choice(Contract):
    """One line of a choice: this policy for these customers; what is left out fits any."""

    policy: Id
    customer_class: Annotated[CustomerClass | None, Field(alias="class")] = None
    region: Id | None = None

    def covers(self, other: "Choice") -> bool:
        """Whether whoever fits the other fits this one too."""
        return self.customer_class in (None, other.customer_class) and self.region in (None, other.region)


class _ChoiceFile(Contract):
    default: Id
    choose: tuple[Choice, ...] = Field(max_length=500)

    @model_validator(mode="after")
    def _each_can_be_chosen(self) -> Self:
        for later, choice in enumerate(self.choose):
            for earlier, first in enumerate(self.choose[:later]):
                if first.covers(choice):
                    raise ValueError(
                        f"choose.{later}: is never chosen, for choose.{earlier} comes first and fits all of its"
                        " customers; put the narrower one before it"
                    )
        return self


class Policies(Contract):
    """The policies of a utility: the default, and which others are chosen for whom, the first that fits."""

    default: Policy = Policy()
    chosen: tuple[tuple[Choice, Policy], ...] = ()

    def fitting(self, customer_class: str | None, region: str | None) -> Policy:
        """The policy for customers of that class in that region."""
        fits = (p for c, p in self.chosen if c.customer_class in (None, customer_class) and c.region in (None, region))
        return next(fits, self.default)

    def for_account(self, account: Account | None) -> Policy:
        """The policy of a case of this account, opened now; the default for one that billing does not know."""
        return self.default if account is None else self.fitting(account.customer_class, account.region)

    @property
    def every(self) -> tuple[Policy, ...]:
        """All of them, each once, the default first."""
        return tuple(dict.fromkeys((self.default, *(policy for _, policy in self.chosen))))


def load_policies(name_or_path: str = DEFAULT_PACK) -> Policies:
    """Read what ARREARS_POLICY names: one policy for all (`load_policy`), or a file that chooses by class and region.

    PolicyError: as for a policy; a choice that can never be made; policies that differ in time zone or currency. A
    utility keeps its books in one time zone and one currency.
    """
    path = policy_file(name_or_path)
    data = read_toml(path)
    if "choose" not in data:
        return Policies(default=load_policy(name_or_path))
    try:
        choice = _ChoiceFile.model_validate(data, extra="forbid")
    except ValidationError as problem:
        raise PolicyError.of(path, said(problem)) from None

    def named(policy: str) -> Policy:
        """The policy in the file of that name beside this one, or the pack of that name."""
        beside = path.parent / policy
        return load_policy(str(beside) if beside.is_file() else policy)

    policies = Policies(default=named(choice.default), chosen=tuple((one, named(one.policy)) for one in choice.choose))
    if problems := tuple(_apart(policies)):
        raise PolicyError.of(path, problems)
    return policies


def _apart(policies: Policies) -> Iterable[tuple[str, str]]:
    labels: dict[str, Policy] = {policies.default.label: policies.default}
    for place, (_, policy) in enumerate(policies.chosen):
        for key in _SAME_FOR_ALL:
            if getattr(policy, key) != getattr(policies.default, key):
                yield f"choose.{place}", f"{policy.label} has another {key} than {policies.default.label}"
        if labels.setdefault(policy.label, policy) != policy:
            yield f"choose.{place}", f"two policies are called {policy.label}; give one another version"


def known_policies(*some: Policies) -> dict[str, Policy]:
    """Policies by label: the packs, and those of each choice, of which a later one goes before an earlier."""
    every = (policy for policies in some for policy in policies.every)
    return {policy.label: policy for policy in (*_packs(), *every)}


def _packs() -> Iterator[Policy]:
    for path in sorted(PACKS.glob("*.toml")):
        with suppress(PolicyError):  # a file that chooses among others, or one that somebody is writing
            yield load_policy(str(path))
