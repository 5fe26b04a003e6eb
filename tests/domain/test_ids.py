"""R-33: which spellings of a meter's, unit's or person's id are one, and which are not."""

import pytest

from domain.ids import id_key, same_id, spelled_like

ONE_METER = [
    "M-A-00001",
    "m-a-00001",
    "MA00001",
    "M A 00001",
    "Ｍ－Ａ－００００１",
    "ｍ－ａ－００００１",
    *(f"M{dash}A{dash}00001" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\u2043\u00ad"),
    *(f"M{blank}A-00{blank}001" for blank in "\u00a0\u2002\u2007\u2009\u202f\u3000\t\u200b\ufeff"),
    " m\u3000—\u00a0Ａ ‐ ０00０1 ",
]
ANOTHER = ["M-A-00002", "M-A-0001", "M.A.00001", "M_A_00001", "M/A/00001", "M-A-00001a", "M-Á-00001", "M-A-OOOO1"]
BLANKS_AND_DASHES = ["-", "--", "—", " ", "\u3000", "- -"]


@pytest.mark.parametrize("typed", ONE_METER)
def test_width_case_blanks_and_dashes_do_not_count(typed: str) -> None:
    """R-33: whatever keyboard and spreadsheet make of an id, it is the same meter, unit or person."""
    assert same_id(typed, "M-A-00001")
    assert same_id("M-A-00001", typed)


@pytest.mark.parametrize("typed", ANOTHER)
def test_nothing_else_is_overlooked(typed: str) -> None:
    """R-33: a digit, a point, a letter with an accent make another id."""
    assert not same_id(typed, "M-A-00001")


@pytest.mark.parametrize("one", BLANKS_AND_DASHES)
def test_an_id_of_blanks_and_dashes_alone_is_compared_exactly(one: str) -> None:
    """R-33: nothing would be left of it, and so all of them would be one."""
    assert spelled_like(one, [*BLANKS_AND_DASHES, "R-017"]) == [one]


@pytest.mark.parametrize(("one", "other"), [("straße", "STRASSE"), ("ΟΔΟΣ-1", "οδος1"), ("表号－１", "表号1")])
def test_letters_of_every_script_are_compared_without_case(one: str, other: str) -> None:
    """R-33: case is what Unicode says it is, not what English has."""
    assert id_key(one) == id_key(other)
