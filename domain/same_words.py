"""Whether two texts of a customer's record say the same, however they are typed (R-32)."""

import unicodedata

_SAYS_NOTHING = {"Cc", "Cf", "Sc", "Sk", "Sm"}
"""Marks beside letters and figures. Other symbols stay: rare characters of names are among them."""


def same_words(one: str, other: str) -> bool:
    """What differs only in width (NFKC), case, blanks or punctuation is the same."""
    return one == other or bare_words(one) == bare_words(other)


def bare_words(text: str) -> str:
    """The text without width, case, blanks and punctuation; empty if it has nothing else."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in folded if not _is_punctuation(unicodedata.category(c)))


def _is_punctuation(category: str) -> bool:
    return category[0] in "PZ" or category in _SAYS_NOTHING
