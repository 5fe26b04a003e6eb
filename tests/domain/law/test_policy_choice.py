"""Which policy a case comes under: by class and region, the first that fits; and files that choose in vain."""

from pathlib import Path

import pytest

from domain.law.policy import Policy
from domain.law.policy_choice import Policies, known_policies, load_policies
from domain.law.policy_file import PolicyError, load_policy
from domain.law.policy_keys import TERMS, differences
from tests.support.one_life import account

CHOICE = """
default = "reading-centre"
[[choose]]
class = "residential"
region = "城北"
policy = "north.toml"
[[choose]]
class = "residential"
policy = "residential-friendly"
[[choose]]
region = "城南"
policy = "statutory-minimum"
"""


def choice(folder: Path, text: str = CHOICE, north: str = "") -> str:
    (folder / "north.toml").write_text(f'name = "north"\nversion = "1"\n{north}', encoding="utf-8")
    path = folder / "choice.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("customer_class", "region", "label"),
    [
        pytest.param("residential", "城北", "north@1", id="the_narrow_one_first"),
        pytest.param("residential", "城南", "residential-friendly@1", id="class_before_region"),
        pytest.param("non_residential", "城南", "statutory-minimum@1", id="region"),
        pytest.param("non_residential", "城北", "reading-centre@1", id="default"),
    ],
)
def test_the_first_choice_that_fits_decides(tmp_path: Path, customer_class: str, region: str, label: str) -> None:
    policies = load_policies(choice(tmp_path))
    assert policies.for_account(account(customer_class=customer_class, region=region)).label == label


def test_an_account_that_billing_does_not_know_comes_under_the_default(tmp_path: Path) -> None:
    assert load_policies(choice(tmp_path)).for_account(None) == Policy()


def test_one_policy_is_chosen_for_everybody() -> None:
    policies = load_policies("statutory-minimum")
    assert policies.every == (policies.default,)
    assert policies.fitting("residential", "anywhere").label == "statutory-minimum@1"


@pytest.mark.parametrize(
    ("text", "north", "key", "line", "what"),
    [
        pytest.param(
            'default = "reading-centre"\n[[choose]]\nclass = "residential"\npolicy = "north.toml"\n'
            '[[choose]]\nclass = "residential"\nregion = "x"\npolicy = "statutory-minimum"\n',
            "",
            "choose.1",
            5,
            "never chosen",
            id="shadowed",
        ),
        pytest.param(CHOICE, 'timezone = "Asia/Urumqi"', "choose.0", 3, "timezone", id="another_zone"),
        pytest.param(CHOICE, 'currency = "USD"', "choose.0", 3, "currency", id="another_currency"),
        pytest.param(CHOICE.replace("class", "klass", 1), "", "choose.0.klass", 4, "is no key", id="misspelt"),
        pytest.param(
            CHOICE.replace('"residential"\nregion', '"household"\nregion'),
            "",
            "choose.0.class",
            4,
            "",
            id="no_such_class",
        ),
    ],
)
def test_a_choice_that_cannot_be_is_refused_by_key_and_line(
    tmp_path: Path, text: str, north: str, key: str, line: int, what: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        load_policies(choice(tmp_path, text, north))
    [problem] = refused.value.problems
    assert (problem.key, problem.line) == (key, line)
    assert what in problem.text


def test_two_policies_of_one_name_and_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "again.toml").write_text('name = "north"\nversion = "1"\nmax_reissues = 1\n', encoding="utf-8")
    text = CHOICE.replace('policy = "residential-friendly"', 'policy = "again.toml"')
    with pytest.raises(PolicyError, match=r"two policies are called north@1"):
        load_policies(choice(tmp_path, text))


def test_a_choice_of_a_policy_that_is_none_names_that_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"north\.toml: red_notice_days") as refused:
        load_policies(choice(tmp_path, north="red_notice_days = 1"))
    assert [(p.file, p.line) for p in refused.value.problems] == [(str(tmp_path / "north.toml"), 3)]
    with pytest.raises(PolicyError, match="chooses among policies"):
        load_policy(choice(tmp_path))


def test_problems_know_their_line(tmp_path: Path) -> None:
    body = "min_overdue_days = 29\n# a comment\n[cut_hours]\nstart = '25:00'\n[[approvals.from_amount]]\namount = 'x'\n"
    path = tmp_path / "east.toml"
    path.write_text('name = "east"\nversion = "1"\n' + body, encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        load_policy(str(path))
    found = {problem.key: problem.line for problem in refused.value.problems}
    assert found["min_overdue_days"] == 3
    assert found["cut_hours.start"] == 6
    assert found["approvals.from_amount.0.amount"] == 8
    assert found["approvals.from_amount.0.roles"] == 7, "missing: the line of its table"


def test_every_key_has_its_rule_and_clause() -> None:
    assert set(Policy.model_fields) <= set(TERMS)
    assert all(term.rule.startswith("R-") and term.clause for term in TERMS.values())


def test_the_friendly_pack_is_harder_on_nobody_and_the_minimum_kinder_to_nobody() -> None:
    friendly = differences(Policy(), load_policy("residential-friendly"))
    assert {d.key for d in friendly} >= {"red_notice_days", "protected_seasons", "approvals", "restore_hours"}
    assert "harder" not in {d.customer for d in friendly}
    minimum = differences(Policy(), load_policy("statutory-minimum"))
    assert {(d.key, d.customer) for d in minimum} == {
        ("yellow_payment_days", "harder"),
        ("delivery_allowance_days", "harder"),
        ("red_notice_days", "harder"),
    }


def test_a_difference_says_for_whom_and_by_which_clause() -> None:
    one = Policy()
    other = one.model_copy(update={"no_cut_weekdays": ("mon",), "restore_hours": 12, "tolerance": one.min_debt})
    found = {d.key: d for d in differences(one, other)}
    assert {key: d.customer for key, d in found.items()} == {
        "no_cut_weekdays": "neither",
        "restore_hours": "kinder",
        "tolerance": "kinder",
    }
    assert (found["restore_hours"].rule, found["restore_hours"].clause) == ("R-25", "III.3")
    assert (found["restore_hours"].before, found["restore_hours"].after) == (24, 12)
    assert differences(one, one.model_copy(update={"version": "2"})) == ()


def test_the_packs_are_known_by_their_labels() -> None:
    mine = Policy(name="north", version="7")
    known = known_policies(Policies(default=mine))
    assert {"reading-centre@1", "residential-friendly@1", "statutory-minimum@1", "north@7"} <= set(known)
