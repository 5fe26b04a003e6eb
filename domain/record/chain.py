"""The evidence chain and its anchors: what is sealed, and what a check found."""

from typing import Literal

from domain.vocabulary import Contract, Id, Moment


class AnchorLine(Contract):
    """One anchoring: how many chains and entries there were, the digest of all their heads, and who signed it.

    `broken` are the accounts on whose chain the head anchored before was not found any more.
    """

    number: int
    at: Moment
    accounts: int
    entries: int
    heads: str
    broken: tuple[str, ...] = ()
    previous: str
    key: str
    signature: str


class AnchoredHead(Contract):
    """What the anchor file says of one account: its chain's length and head when it was last anchored.

    `off`: no file is set. `missing`: nothing in it yet, or it is gone. `not_yet`: the account is younger than the
    latest anchoring. `broken`: the file itself is not as it was signed.
    """

    state: Literal["anchored", "not_yet", "missing", "broken", "off"]
    number: int | None = None
    at: Moment | None = None
    length: int | None = None
    head: str | None = None
    reason_zh: str | None = None
    reason_en: str | None = None


class ChainVerdict(Contract):
    """Whether the evidence of an account is as it was written; if not, the first place where it is not.

    `head` is the hash of the last link: noted down elsewhere, it also betrays a chain that was rebuilt whole.
    """

    account_id: Id
    intact: bool
    length: int
    head: str
    broken_at: int | None = None
    reason_zh: str | None = None
    reason_en: str | None = None
