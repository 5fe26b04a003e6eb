"""The routing table: who is reached how, what may be put into an address, and what is said of a wrong table."""

from pathlib import Path

import pytest

from adapters.channels.apprise import check_addresses, plain_channels
from adapters.channels.routes import (
    Channel,
    Routes,
    RoutesError,
    known_of_customer,
    known_of_staff,
    preferred_first,
    read_routes,
)
from domain.customer import CustomerCard, PreferredChannel

TABLE = """
[[customer]]
kind = "sms"
url = "jsons://u:s3cret-sms@sms.example/send?:to={phone}"

[[customer]]
kind = "email"
url = "mailtos://u:s3cret-mail@smtp.example?from=no-reply@example.cn&to={email}"

[[staff]]
role = "field_crew"
channels = [{ kind = "app", url = "jsons://app.example/all" }]

[[staff]]
role = "field_crew"
unit = "FU-02"
channels = [{ kind = "app", url = "jsons://app.example/fu-02" }, { kind = "email", url = "mailtos://u:p@smtp.example" }]

[[staff]]
role = "reader"
person = "r-017"
channels = [{ kind = "email", url = "mailtos://u:p@smtp.example?from=a@b.cn&to={person}@example.cn" }]
"""


def written(tmp_path: Path, text: str = TABLE) -> Path:
    path = tmp_path / "channels.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_table_in_the_documentation_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")
    example = page.partition("```toml\n")[2].partition("\n```\n")[0]
    routes = read_routes(written(tmp_path, example))
    check_addresses(routes)
    assert (len(routes.customer), plain_channels(routes)) == (2, ())


def said(channels: tuple[Channel, ...]) -> list[str]:
    return [c.url.get_secret_value().partition("?")[0] for c in channels]


@pytest.mark.parametrize(
    ("role", "unit", "person", "way"),
    [
        ("field_crew", "FU-02", None, ["jsons://app.example/fu-02", "mailtos://u:p@smtp.example"]),
        ("field_crew", "ｆｕ\u201402", None, ["jsons://app.example/fu-02", "mailtos://u:p@smtp.example"]),
        ("reader", "rc03", "R 017", ["mailtos://u:p@smtp.example"]),
        ("field_crew", "FU-04", None, ["jsons://app.example/all"]),
        ("field_crew", None, None, ["jsons://app.example/all"]),
        ("reader", "RC-03", "r-017", ["mailtos://u:p@smtp.example"]),
        ("reader", "RC-03", "r-018", []),
        ("liaison", None, None, []),
    ],
)
def test_staff_are_reached_by_the_entry_that_names_them_most_closely(
    tmp_path: Path, role: str, unit: str | None, person: str | None, way: list[str]
) -> None:
    assert said(read_routes(written(tmp_path)).of_staff(role, unit, person)) == way


def card(phone: str = "", email: str = "") -> CustomerCard:
    return CustomerCard(account_id="1001", name="张伟", address="人民路1号", phone=phone, email=email)


@pytest.mark.parametrize(
    ("phone", "filled"),
    [
        ("13900000001", "13900000001"),
        ("+86 139-0000-0001", "%2B8613900000001"),
        ("(0371) 6666 0001", "037166660001"),
        ("13900000001,13900000002", None),
        ("13900000001/13900000002", None),
        ("１３９００００００００１", None),
        ("139?:to=1", None),
        ("", None),
    ],
)
def test_a_phone_is_put_in_encoded_and_only_if_it_could_be_one(phone: str, filled: str | None) -> None:
    sms = Channel.model_validate({"kind": "sms", "url": "jsons://sms.example/send?:to={phone}"})
    assert sms.address(known_of_customer(card(phone=phone))) == (
        None if filled is None else f"jsons://sms.example/send?:to={filled}"
    )


@pytest.mark.parametrize(
    ("email", "filled"),
    [
        ("zhang.wei+home@example.cn", "zhang.wei%2Bhome%40example.cn"),
        ("a@example.cn,b@example.cn", None),
        ("a@example.cn b@example.cn", None),
        ("a@example.cn&bcc=b@example.cn", None),
        ("Zhang <a@example.cn>", None),
        ("a@example.cn\r\nBcc: b@example.cn", None),
        ("a@localhost", None),
        ("", None),
    ],
)
def test_an_email_is_put_in_encoded_and_only_if_it_is_one_address(email: str, filled: str | None) -> None:
    mail = Channel.model_validate({"kind": "email", "url": "mailtos://smtp.example?to={email}"})
    assert mail.address(known_of_customer(card(email=email))) == (
        None if filled is None else f"mailtos://smtp.example?to={filled}"
    )


@pytest.mark.parametrize(
    ("kind", "url", "serves"),
    [
        ("sms", "jsons://sms.example/send?:to={phone}", "sms"),
        ("sms", "jsons://sms.example/send?:account={account}", "sms"),  # the gateway itself knows the number
        ("app", "jsons://app.example/users/{phone}", "app"),
        ("gateway", "jsons://sms.example/send?:to={phone}&:ref={account}", "sms"),
        ("mail", "mailtos://smtp.example?to={email}", "email"),
        ("webhook", "jsons://app.example/accounts/{account}", "app"),
        ("hall", "mailtos://smtp.example?to=hall@power.example", None),
    ],
)
def test_what_a_channel_serves_is_known_by_its_kind_or_else_by_what_it_needs(
    kind: str, url: str, serves: str | None
) -> None:
    assert Channel.model_validate({"kind": kind, "url": url}).serves == serves


@pytest.mark.parametrize(
    ("preferred", "order"),
    [
        (None, ["hall", "sms", "mail", "gateway"]),
        ("sms", ["sms", "gateway", "hall", "mail"]),
        ("email", ["mail", "hall", "sms", "gateway"]),
        ("app", ["hall", "sms", "mail", "gateway"]),
    ],
)
def test_what_he_prefers_comes_first_and_no_channel_is_left_out(
    preferred: PreferredChannel | None, order: list[str]
) -> None:
    urls = {"hall": "to=hall@power.example", "sms": "to={phone}", "mail": "to={email}", "gateway": "cc={phone}"}
    table = tuple(Channel.model_validate({"kind": k, "url": f"mailtos://a.example?{u}"}) for k, u in urls.items())
    assert [channel.kind for channel in preferred_first(table, preferred)] == order


def test_a_unit_that_would_change_the_address_is_not_put_in() -> None:
    app = Channel.model_validate({"kind": "app", "url": "jsons://app.example/{unit}/inbox"})
    assert app.address(known_of_staff("field_crew", "FU-02", None)) == "jsons://app.example/FU-02/inbox"
    for unit in ("../admin", "FU-02?x=1", "FU 02", None):
        assert app.address(known_of_staff("field_crew", unit, None)) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[customer]]\nkind = 'sms'\nurl = 's3cret.example'", "customer[0].url: must be an Apprise address"),
        ("[[customer]]\nkind = 'SMS 1'\nurl = 'json://s3cret.example'", "customer[0].kind"),
        ("[[customer]]\nkind = 'sms'\nurl = 'json://s3cret.example/{unit}'", "{unit} is not known here"),
        ("[[staff]]\nrole = 'crew'\nchannels = [{kind = 'a', url = 'json://s3cret'}]", "staff[0].role"),
        ("[[staff]]\nrole = 'reader'\nchannels = []", "staff[0].channels"),
        ("[[staff]]\nrole = 'reader'\nunits = 'x'\nchannels = [{kind = 'a', url = 'json://s3cret'}]", "staff[0].units"),
        ("seconds = 3600", "seconds"),
        ("[customer", "is no TOML"),
    ],
)
def test_a_wrong_table_is_refused_by_place_and_without_its_secrets(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RoutesError) as refused:
        read_routes(written(tmp_path, text))
    assert told in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RoutesError, match=r"none\.toml: cannot be read"):
        read_routes(tmp_path / "none.toml")


def test_secrets_do_not_show_in_a_table_that_is_printed(tmp_path: Path) -> None:
    assert "s3cret" not in repr(read_routes(written(tmp_path)))


def table(*urls: str) -> Routes:
    channels = [{"kind": f"c{n}", "url": url} for n, url in enumerate(urls)]
    return Routes.model_validate({"staff": [{"role": "reader", "channels": channels}]})


def test_an_address_that_apprise_does_not_know_is_refused_by_its_kind() -> None:
    check_addresses(table("jsons://app.example/{person}", "mailtos://u:p@smtp.example?from=a@b.cn&to={person}@b.cn"))
    with pytest.raises(RoutesError, match="channel c1 ") as refused:
        check_addresses(table("jsons://app.example", "nosuch://u:s3cret@app.example"))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("json://app.example/x", True),
        ("jsons://app.example/x", False),
        ("jsons://app.example/x?verify=no", True),
        ("json://127.0.0.1:8080/x", False),
        ("json://localhost/x", False),
        ("json://[::1]/x", False),
        ("mailto://u:p@smtp.example?from=a@b.cn&to=c@d.cn", True),
        ("mailto://u:p@smtp.example?from=a@b.cn&to=c@d.cn&mode=starttls", False),
        ("mailtos://u:p@smtp.example?from=a@b.cn&to=c@d.cn", False),
        ("mailtos://u:p@smtp.example?from=a@b.cn&to=c@d.cn&mode=insecure", True),
        ("mailtos://u:p@localhost?smtp=smtp.example&from=a@b.cn&to=c@d.cn&mode=insecure", True),
        ("mailto://127.0.0.1:2525?from=a@b.cn&to=c@d.cn", False),
        ("dingtalk://abcdefgh12345678/", False),
        ("syslog://", False),
    ],
)
def test_what_would_leave_this_machine_in_clear_is_found(url: str, plain: bool) -> None:
    assert plain_channels(table(url)) == (("c0",) if plain else ())
