"""Settings: the embedded default, sentences for wrong values, and what production refuses."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from composition.logs import configure_logging
from composition.parts import Parts, build, with_channels
from composition.settings.fields import ROOT, ConfigurationError
from composition.settings.loading import check_console, load_settings
from composition.settings.model import Settings
from composition.settings.temporal import temporal_profile
from domain.record.deliveries import WRITTEN_TO
from tests.support.sealing import key

SHORT = base64.b64encode(bytes(range(16))).decode()
STRONG = {
    "ARREARS_MODE": "production",
    "ARREARS_REGISTER_URL": "postgresql://register:b7e2f4a90c@db/register",
    "ARREARS_BILLING_URL": "postgresql://billing:0d81c2e67f@db/billing",
    "TEMPORAL_ADDRESS": "temporal.example:7233",
    "TEMPORAL_TLS": "true",
    "ARREARS_PAYLOAD_KEYS": key("k1"),
}
OVER_HTTP = {"ARREARS_BILLING_URL": "https://mis.example/v1", "ARREARS_BILLING_TOKEN": "5f0ca91e" * 4}
STRONG_CONSOLE = STRONG | {"ARREARS_EVENT_SECRET": "5f0ca91e" * 8, "ARREARS_CODEC_LOGIN": "auditor:Quiet-harbour-7"}


@pytest.fixture(autouse=True)
def _a_bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith(("ARREARS_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setattr("composition.settings.model.ENV_FILE", tmp_path / ".env")


def _set(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_with_nothing_set_everything_lies_in_files_of_the_project() -> None:
    settings = load_settings()
    assert settings.mode == "embedded"
    assert settings.task_queue == "arrears"
    assert settings.policy == "reading-centre"
    assert make_url(settings.register_url.get_secret_value()).database == str(ROOT / "var" / "register.db")
    assert make_url(settings.billing_url.get_secret_value()).database == str(ROOT / "var" / "billing.db")
    assert settings.documents_folder == ROOT / "var" / "documents"
    assert (settings.letterhead.language, settings.letterhead.issuer) == ("zh", "")
    assert temporal_profile().address is None


def test_a_relative_file_is_the_same_from_every_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARREARS_REGISTER_URL", "sqlite:///elsewhere/book.db")
    monkeypatch.setenv("ARREARS_DOCUMENTS", "elsewhere/papers")
    assert make_url(load_settings().register_url.get_secret_value()).database == str(ROOT / "elsewhere" / "book.db")
    assert load_settings().documents_folder == ROOT / "elsewhere" / "papers"


def test_an_absolute_file_stays_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARREARS_REGISTER_URL", f"sqlite:///{tmp_path / 'book.db'}")
    assert make_url(load_settings().register_url.get_secret_value()).database == str(tmp_path / "book.db")


CHANNELS = """
[[customer]]
kind = "sms"
url = "json://user:s3cret@sms.example/send?:to={phone}"

[[staff]]
role = "field_crew"
channels = [{ kind = "email", url = "mailto://127.0.0.1:25?from=a@example.cn&to={unit}@example.cn" }]
"""


def channels(monkeypatch: pytest.MonkeyPatch, path: Path, text: str = CHANNELS, **values: str) -> Parts:
    """The parts of a worker with that routing table."""
    path.write_text(text, "utf-8")
    _set(monkeypatch, {"ARREARS_NOTIFY": str(path), **values})
    settings = load_settings()
    return with_channels(build(settings), settings)


def test_production_sends_nothing_to_other_machines_in_clear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The gateway elsewhere must have TLS; the mail server on this machine need not. The embedded mode takes both."""
    table = tmp_path / "channels.toml"
    parts = channels(monkeypatch, table)
    assert (parts.register.hands_on, parts.reports.hands_on) == (True, True)
    assert parts.customers is not None
    with pytest.raises(ConfigurationError, match="ARREARS_NOTIFY: sms would be reached") as refused:
        channels(monkeypatch, table, **STRONG)
    assert "s3cret" not in str(refused.value)
    channels(monkeypatch, table, CHANNELS.replace("json://", "jsons://"), **STRONG)


def test_a_worker_names_the_roles_that_no_channel_reaches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before the first message to one of them is given up; of those reached in some units only, that too."""
    configure_logging("json")
    some = '[[staff]]\nrole = "reader"\nunit = "RC-03"\nchannels = [{ kind = "app", url = "json://127.0.0.1:1" }]'
    channels(monkeypatch, tmp_path / "channels.toml", f"{CHANNELS}{some}")
    [line] = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (line["event"], line["level"]) == ("channels.no_route", "warning")
    assert line["roles"] == ["team_leader", "centre_director", "company_leader", "station_head", "liaison"]
    assert line["only_some_units_of"] == ["reader"]
    to_crews = CHANNELS[CHANNELS.index("[[staff]]") :]
    to_all = "".join(to_crews.replace("field_crew", role) for role in WRITTEN_TO)
    channels(monkeypatch, tmp_path / "channels.toml", to_all)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CHANNELS.replace("json:", "nosuch:"), "ARREARS_NOTIFY: the address of channel sms"),
        (CHANNELS.replace("{phone}", "{phnoe}"), "{phnoe} is not known here"),
        (CHANNELS.replace("field_crew", "crew"), "staff[0].role"),
    ],
)
def test_a_wrong_routing_table_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        channels(monkeypatch, tmp_path / "channels.toml", text)
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_without_a_routing_table_messages_stay_in_the_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {"ARREARS_NOTIFY": ""})
    settings = load_settings()
    parts = with_channels(build(settings), settings)
    assert (parts.register.hands_on, parts.customers, parts.dispatcher) == (False, None, None)
    assert not parts.reports.hands_on


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_POLICY", "")
    assert load_settings().policy == "reading-centre"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ARREARS_MODE", "demo", "'embedded' or 'production'"),
        ("ARREARS_PAPER_LANGUAGE", "fr", "'zh' or 'en'"),
        ("ARREARS_LOG_FORMAT", "xml", "'console' or 'json'"),
        ("ARREARS_RETRY_MAX_SECONDS", "soon", "valid integer"),
        ("ARREARS_RETRY_MAX_SECONDS", "0", "greater than or equal to 1"),
        ("ARREARS_ACTIVITIES", "-1", "greater than or equal to 1"),
        ("ARREARS_REGISTER_URL", "register.db", "sqlite:///var/register.db"),
        ("ARREARS_REGISTER_URL", "mysql://a@b/c", "postgresql://"),
        ("ARREARS_REGISTER_URL", "sqlite://", "must name a file"),
        ("ARREARS_REGISTER_URL", "https://register.example/api", "only ARREARS_BILLING_URL"),
        ("ARREARS_BILLING_URL", "https://", "https://mis.example/arrears/v1"),
        ("ARREARS_BILLING_URL", "https://mis.example:port/v1", "https://mis.example/arrears/v1"),
        ("ARREARS_BILLING_URL", "https://mis.example/v 1", "https://mis.example/arrears/v1"),
        ("ARREARS_BILLING_URL", "https://us:secret@mis.example/v1", "the token goes into ARREARS_BILLING_TOKEN"),
        ("ARREARS_BILLING_URL", "https://mis.example/v1?key=secret", "without ? or #"),
        ("ARREARS_BILLING_URL", "ftp://mis.example/v1", "postgresql://"),
        ("ARREARS_BILLING_TOKEN", "two words", "one word"),
        ("ARREARS_BILLING_TOKEN", "5f0ca91e5f0ca91e", "http(s)://…, which is not set"),
        ("ARREARS_RESTORES_PER_DAY", "FU-01", "unit=number"),
        ("ARREARS_PAYLOAD_KEYS", f"k1:{SHORT}", "16 bytes, not 32"),
        ("ARREARS_PAYLOAD_KEYS", "no/such/file", "path of a file"),
        ("ARREARS_PAYLOAD_PLAIN", "perhaps", "'refuse' or 'accept'"),
        ("ARREARS_ANCHOR", "anchor", "ARREARS_ANCHOR_KEY"),
        ("ARREARS_ANCHOR_KEY", SHORT, "32 bytes"),
        ("ARREARS_ANCHOR_KEY", "%%%", "base64"),
        ("ARREARS_ANCHOR_PUBLIC_KEY", SHORT, "32 bytes"),
        ("ARREARS_EVENT_SECRET", "a,,b", "single commas"),
        ("ARREARS_CODEC_LOGIN", "auditor", "name:password"),
        ("ARREARS_METRICS", "9464", "IP address and a port"),
        ("ARREARS_METRICS", "localhost:9464", "IP address and a port"),
        ("ARREARS_CONSOLE_METRICS", "127.0.0.1:70000", "IP address and a port"),
        ("ARREARS_CONSOLE_PORT", "0", "greater than or equal to 1"),
        ("ARREARS_CONSOLE_TLS_CERT", "console.crt", "set together"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_should_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert said in str(caught.value)


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, {"ARREARS_MODE": "x", "ARREARS_LOG_FORMAT": "y"})
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == 2


def test_a_password_is_in_no_sentence_and_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_REGISTER_URL", "postgresql://register:hunter2@db/register")
    assert "hunter2" not in repr(load_settings())
    monkeypatch.setenv("ARREARS_REGISTER_URL", "mysql://register:hunter2@db/register")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_versioning_needs_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_BUILD_ID", "2026.10")
    with pytest.raises(ConfigurationError, match="ARREARS_DEPLOYMENT_NAME and ARREARS_BUILD_ID"):
        load_settings()


def test_temporal_is_read_from_the_env_file_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TEMPORAL_ADDRESS=filed:7233\nTEMPORAL_NAMESPACE=arrears\n")
    assert (temporal_profile().address, temporal_profile().namespace) == ("filed:7233", "arrears")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "said:7233")
    assert (temporal_profile().address, temporal_profile().namespace) == ("said:7233", "arrears")


def test_a_broken_profile_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[profile")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "broken.toml"))
    with pytest.raises(ConfigurationError, match="TEMPORAL_"):
        temporal_profile()


def test_production_accepts_strong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, STRONG)
    assert load_settings().mode == "production"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"TEMPORAL_TLS": ""}, "TEMPORAL_ADDRESS"),
        ({"TEMPORAL_TLS": "false"}, "TEMPORAL_ADDRESS"),
        ({"TEMPORAL_TLS": "false", "TEMPORAL_API_KEY": "k"}, "TEMPORAL_ADDRESS"),
        ({"ARREARS_REGISTER_URL": ""}, "ARREARS_REGISTER_URL"),
        ({"ARREARS_BILLING_URL": "sqlite:///var/billing.db"}, "ARREARS_BILLING_URL"),
        ({"ARREARS_REGISTER_URL": "postgresql://register@db/register"}, "ARREARS_REGISTER_URL"),
        ({"ARREARS_REGISTER_URL": "postgresql://register:register@db/r"}, "ARREARS_REGISTER_URL"),
        ({"ARREARS_BILLING_URL": "postgresql://b:ChangeMe@db/billing"}, "ARREARS_BILLING_URL"),
        ({"ARREARS_BILLING_URL": "postgresql://b:x1y2z3@db/billing"}, "ARREARS_BILLING_URL"),
        ({"ARREARS_PAYLOAD_KEYS": ""}, "ARREARS_PAYLOAD_KEYS"),
        ({"ARREARS_PAYLOAD_KEYS": "off"}, "ARREARS_PAYLOAD_KEYS"),
        ({"ARREARS_PAYLOAD_PLAIN": "accept"}, "ARREARS_PAYLOAD_PLAIN"),
        ({"ARREARS_METRICS": "0.0.0.0:9464"}, "ARREARS_METRICS"),
        ({"ARREARS_CONSOLE_METRICS": "[::]:9465"}, "ARREARS_CONSOLE_METRICS"),
    ],
    ids=[
        *("no_tls", "tls_off", "tls_off_with_api_key", "no_register", "sqlite", "no_password", "password_is_user"),
        *("default_password", "short_password", "no_payload_keys", "payload_keys_off", "plain_payloads"),
        *("metrics_for_all", "case_metrics_for_all"),
    ],
)
def test_production_refuses_weak_settings(monkeypatch: pytest.MonkeyPatch, change: dict[str, str], named: str) -> None:
    """G6: each weakness is one sentence, and nothing starts."""
    _set(monkeypatch, STRONG | change)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    refused = str(caught.value).splitlines()[1:]
    assert [line.partition(":")[0] for line in refused] == [named]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ARREARS_EVENT_SECRET": ""}, "ARREARS_EVENT_SECRET"),
        ({"ARREARS_EVENT_SECRET": "5f0ca91e" * 3}, "ARREARS_EVENT_SECRET"),
        ({"ARREARS_EVENT_SECRET": "a" * 64}, "ARREARS_EVENT_SECRET"),
        ({"ARREARS_EVENT_SECRET": "5f0ca91e" * 8 + ",secret"}, "ARREARS_EVENT_SECRET"),
        ({"ARREARS_CODEC_LOGIN": ""}, "ARREARS_CODEC_LOGIN"),
        ({"ARREARS_CODEC_LOGIN": "auditor:short"}, "ARREARS_CODEC_LOGIN"),
        ({"ARREARS_CODEC_LOGIN": "administrator:administrator"}, "ARREARS_CODEC_LOGIN"),
        ({"ARREARS_CONSOLE_HOST": "0.0.0.0"}, "ARREARS_CONSOLE_HOST"),
        ({"ARREARS_CODEC_ORIGINS": "*"}, "ARREARS_CODEC_ORIGINS"),
    ],
    ids=[
        *("no_secret", "short_secret", "secret_of_one_letter", "one_of_two_weak", "no_login", "short_password"),
        *("password_is_name", "no_tls_to_others", "any_page"),
    ],
)
def test_the_http_side_does_not_start_with_weak_settings_in_production(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], named: str
) -> None:
    _set(monkeypatch, STRONG_CONSOLE | change)
    with pytest.raises(ConfigurationError) as caught:
        check_console(load_settings())
    refused = str(caught.value).splitlines()[1:]
    assert [line.partition(":")[0] for line in refused] == [named]


def test_the_http_side_starts_in_production_with_strong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, STRONG_CONSOLE)
    check_console(load_settings())
    behind_tls = {"ARREARS_CONSOLE_HOST": "0.0.0.0", "ARREARS_CONSOLE_TLS_CERT": "c", "ARREARS_CONSOLE_TLS_KEY": "k"}
    _set(monkeypatch, behind_tls)
    check_console(load_settings())


@pytest.mark.parametrize("arguments", [["worker.py"], ["starter.py", "list"], ["starter.py", "serve"]])
def test_no_program_starts_with_weak_settings_in_production(arguments: list[str]) -> None:
    """Exit code 2 and the sentences, before anything is connected."""
    weak = {
        "ARREARS_MODE": "production",
        "TEMPORAL_ADDRESS": "temporal.example:7233",
        "TEMPORAL_TLS": "false",
        "ARREARS_REGISTER_URL": "sqlite:///var/register.db",
        "ARREARS_BILLING_URL": "postgresql://billing:billing@db/billing",
        "ARREARS_PAYLOAD_KEYS": "off",
    }
    environment = {"PATH": os.environ["PATH"], "TEMPORAL_CONFIG_FILE": os.devnull, **weak}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    for name in ("TEMPORAL_ADDRESS", "ARREARS_REGISTER_URL", "ARREARS_BILLING_URL", "ARREARS_PAYLOAD_KEYS"):
        assert name in ended.stderr


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ARREARS_BILLING_URL": "http://mis.example/v1"}, "ARREARS_BILLING_URL"),
        ({"ARREARS_BILLING_URL": "http://10.0.0.7:8080"}, "ARREARS_BILLING_URL"),
        ({"ARREARS_BILLING_TOKEN": ""}, "ARREARS_BILLING_TOKEN"),
        ({"ARREARS_BILLING_TOKEN": "5f0ca91e"}, "ARREARS_BILLING_TOKEN"),
        ({"ARREARS_BILLING_TOKEN": "a" * 40}, "ARREARS_BILLING_TOKEN"),
    ],
    ids=["in_clear", "in_clear_by_number", "no_token", "short_token", "token_of_one_letter"],
)
def test_production_refuses_a_weak_line_to_billing(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], named: str
) -> None:
    _set(monkeypatch, STRONG | OVER_HTTP | change)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    refused = str(caught.value).splitlines()[1:]
    assert [line.partition(":")[0] for line in refused] == [named]
    assert "5f0ca91e" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://mis.example/v1", "http://127.0.0.1:8080/v1", "http://[::1]:8080", "HTTP://localhost"]
)
def test_production_accepts_billing_over_https_or_on_the_same_host(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    _set(monkeypatch, STRONG | OVER_HTTP | {"ARREARS_BILLING_URL": url})
    settings = load_settings()
    assert settings.billing_over_http
    assert "5f0ca91e" not in repr(settings)


@pytest.mark.parametrize("address", ["localhost:7233", "127.0.0.1:7233", "[::1]:7233"])
def test_production_on_the_same_host_needs_no_tls(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    _set(monkeypatch, STRONG | {"TEMPORAL_TLS": "", "TEMPORAL_ADDRESS": address})
    assert load_settings().mode == "production"


def test_embedded_does_not_ask_for_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    assert load_settings().mode == "embedded"


@pytest.mark.parametrize("where", ["127.0.0.1:9464", "[::1]:9464", "10.0.0.7:9464"])
def test_production_shows_figures_on_this_machine_or_on_a_network_that_is_said_to_be_closed(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    closed = {"ARREARS_METRICS_OPEN": "true"} if where.startswith("10.") else {}
    _set(monkeypatch, STRONG | {"ARREARS_METRICS": where} | closed)
    assert load_settings().metrics == where
