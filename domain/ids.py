"""Whether two ids name the same meter, unit or person: width, case, blanks and dashes do not count (R-33).

Ids of accounts, bills, payments and tickets are compared exactly, and by nothing here.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# What Unicode calls a dash, a hyphen, a minus or a blank, and files under another category than its like.
_ALSO_DASHES = "\u00ad\u02d7\u2043\u2053\u2212\u2796"
_ALSO_BLANKS = "\u180e\u200b\u2060\u2800\ufeff"
_CATEGORIES = frozenset(("Pd", "Zs", "Zl", "Zp"))
_NOT_COUNTED = frozenset(_ALSO_DASHES + _ALSO_BLANKS)


_IN_ASCII = dict.fromkeys(map(ord, "- \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"))


@lru_cache(maxsize=10_000)
def id_key(ident: str) -> str:
    """The same text for every spelling of one id; an id that consists of blanks and dashes alone is its own key."""
    if ident.isascii():  # as nearly all are, and an export has millions
        return ident.lower().translate(_IN_ASCII) or ident
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", ident).casefold())
    return "".join(c for c in folded if not _does_not_count(c)) or ident


def same_id(one: str, other: str) -> bool:
    """Whether these are two spellings of one meter's, unit's or person's id."""
    return one == other or id_key(one) == id_key(other)


def spelled_like(ident: str, known: Iterable[str]) -> list[str]:
    """Those of the known ids that are spellings of this one."""
    return [other for other in known if same_id(ident, other)]


def _does_not_count(c: str) -> bool:
    return c.isspace() or c in _NOT_COUNTED or unicodedata.category(c) in _CATEGORIES
