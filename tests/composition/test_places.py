"""Where the program writes, and what keeps it from writing there, said before anything waits for it."""

from pathlib import Path

import pytest

from composition.places import nearest, places, takes_nothing, unwritable
from composition.settings.model import Settings


def settings(folder: Path, **changes: str) -> Settings:
    """Everything under one folder."""
    there = {
        "register_url": f"sqlite:///{folder / 'var' / 'register.db'}",
        "billing_url": f"sqlite:///{folder / 'var' / 'billing.db'}",
        "documents": str(folder / "documents"),
    }
    return Settings.model_validate(there | changes)


def test_databases_on_a_server_are_no_places_of_this_machine(tmp_path: Path) -> None:
    here = [place.setting for place in places(settings(tmp_path))]
    assert here == ["ARREARS_REGISTER_URL", "ARREARS_BILLING_URL", "ARREARS_DOCUMENTS"]
    there = settings(tmp_path, register_url="postgresql://register@db/register", billing_url="https://mis.example/v1")
    assert [place.setting for place in places(there)] == ["ARREARS_DOCUMENTS"]
    assert list(unwritable(settings(tmp_path))) == []
    assert list(tmp_path.iterdir()) == [], "nothing is made by asking"


def test_a_place_below_a_file_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, where a folder is wanted", "utf-8")
    found = {place.setting: reason for place, reason in unwritable(settings(tmp_path))}
    assert found.keys() == {"ARREARS_REGISTER_URL", "ARREARS_BILLING_URL"}
    assert all(reason.endswith("is not a folder") for reason in found.values())


@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_a_folder_that_takes_no_file_is_named_with_its_reason(folder: str) -> None:
    reason = takes_nothing(Path(folder) / "papers")
    assert reason is not None
    assert reason.startswith(f"{folder}: ")


def test_a_file_that_is_there_may_be_written_if_its_folder_may(tmp_path: Path) -> None:
    (tmp_path / "register.db").write_bytes(b"as it is")
    assert takes_nothing(tmp_path / "register.db") is None
    assert (tmp_path / "register.db").read_bytes() == b"as it is"
    assert nearest(tmp_path / "not" / "yet") == tmp_path
