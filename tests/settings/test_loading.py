"""What a valid configuration comes to, from a file and from the environment."""

from __future__ import annotations

import json
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from exporter.settings import (
    Api,
    ConfigurationError,
    Proxy,
    ServiceSettings,
    Settings,
    Target,
    Token,
    check_files,
    check_secrets,
    check_targets,
    duration,
    known_variables,
    load,
    load_service,
    unknown_variables,
)
from exporter.settings.actions import CancelJob, ClearCache, Ingest
from exporter.settings.receivers import (
    DeadMansSwitch,
    Email,
    MsTeams,
    PagerDuty,
    Slack,
    Webhook,
)
from exporter.settings.units import http_url, size
from tests.settings.test_mistakes import CONFIG


def test_without_a_file_everything_has_a_default() -> None:
    settings = load()

    assert settings == Settings()
    assert settings.all_targets() == (Target(name="default", url="http://127.0.0.1:8000"),)
    assert (settings.poll.interval, settings.poll.timeout) == (30, 10)
    assert settings.limits.body == 8 * 2**20
    assert settings.api.bearer() == ""


def test_an_empty_file_sets_nothing() -> None:
    assert load(CONFIG / "good" / "empty.yml") == load()


def test_every_setting_of_a_file_is_read_in_its_unit() -> None:
    settings = load(CONFIG / "good" / "one_api.yml")

    assert settings.model_dump(mode="json", exclude_defaults=True) == {
        "api": {
            "url": "https://monitoring.example/base",
            "token_file": "/run/secrets/token",
            "ca_file": "/etc/ssl/private-ca.pem",
            "time_range": "6h",
            "time_window_days": 30,
        },
        "poll": {
            "interval": 90.0,
            "timeout": 2.5,
            "endpoints": {
                "workers": {"interval": 300.0, "timeout": 10.0},
                "ml": {"enabled": False},
            },
        },
        "limits": {"body": 500_000, "cardinality": 50},
        "cache": {"keys": "whole"},
        "anomaly": {
            "enabled": False,
            "mode": "literal",
            "window": 240,
            "watch": {
                "ops_queue_length": {"window": 60, "direction": "both", "floor": 25.0},
                "ops_tasks_failed": {"enabled": False},
            },
        },
        "alertmanager": {"url": "http://127.0.0.1:9093/alertmanager", "version": "0.28"},
        "alerts": {
            "OpsQueueBacklogHigh": {"threshold": 250.0},
            "OpsEventLatencyHigh": {"enabled": False},
        },
        "state_dir": "/var/lib/ops-exporter",
        "exporter_url": "https://ops.example",
        "actions": {"url": "https://actions.example"},
        "prometheus_url": "http://[::1]:9090",
        "grafana_url": "https://grafana.example:3000",
    }


def test_the_simple_form_is_one_target_named_default() -> None:
    (target,) = load(CONFIG / "good" / "one_api.yml").all_targets()

    assert (target.name, target.url) == ("default", "https://monitoring.example/base")
    assert target.time_window_days == 30


def test_several_targets_keep_their_order() -> None:
    targets = load(CONFIG / "good" / "several_targets.yml").all_targets()

    assert [target.name for target in targets] == ["production", "staging.eu-1_b"]
    assert [target.bearer() for target in targets] == ["s3cret", ""]


def test_a_part_that_several_targets_share_may_be_overridden() -> None:
    """YAML's merge key is no duplicate."""
    targets = load(CONFIG / "good" / "shared_parts.yml").all_targets()

    assert [(target.name, target.time_range) for target in targets] == [("a", "12h"), ("b", "12h")]


RECEIVERS: dict[str, tuple[str, Any]] = {
    "SLACK": (
        '[{"api_url_file": "/run/slack", "severities": ["info"]}]',
        (Slack(api_url_file=Path("/run/slack"), severities=("info",)),),
    ),
    "EMAIL": (
        '[{"to": ["a@b.example"], "sender": "c@b.example", "smarthost": "b.example:25"}]',
        (Email(to=("a@b.example",), sender="c@b.example", smarthost="b.example:25"),),
    ),
    "PAGERDUTY": (
        '[{"routing_key_file": "/run/key", "url": "https://events.example/v2/enqueue"}]',
        (PagerDuty(routing_key_file=Path("/run/key"), url="https://events.example/v2/enqueue"),),
    ),
    "MSTEAMS": (
        '[{"webhook_url_file": "/run/teams"}]',
        (MsTeams(webhook_url_file=Path("/run/teams")),),
    ),
    "WEBHOOK": (
        '[{"url": "http://127.0.0.1:6/a?b=c"}]',
        (Webhook(url="http://127.0.0.1:6/a?b=c"),),
    ),
    "DEAD_MANS_SWITCH": (
        '{"url": "http://127.0.0.1:7", "interval": "1m"}',
        DeadMansSwitch(url="http://127.0.0.1:7", interval="1m"),
    ),
}
OVERRIDES: dict[str, tuple[str, Any]] = {
    "OPS_API_URL": ("https://other.example", "https://other.example"),
    "OPS_API_TOKEN": ("from the environment", "from the environment"),
    "OPS_API_TOKEN_FILE": ("/run/other", Path("/run/other")),
    "OPS_API_CA_FILE": ("/run/ca.pem", Path("/run/ca.pem")),
    "OPS_API_TIME_RANGE": ("1h", "1h"),
    "OPS_API_TIME_WINDOW_DAYS": ("90", 90),
    "OPS_POLL_INTERVAL": ("45s", 45.0),
    "OPS_POLL_TIMEOUT": ("4s", 4.0),
    "OPS_POLL_ENDPOINTS": ('{"cache": {"interval": "2m"}}', {"cache": 120.0}),
    "OPS_LIMITS_BODY": ("1MiB", 2**20),
    "OPS_LIMITS_CARDINALITY": ("7", 7),
    "OPS_CACHE_KEYS": ("patterns", "patterns"),
    "OPS_ANOMALY_ENABLED": ("true", True),
    "OPS_ANOMALY_MODE": ("detector", "detector"),
    "OPS_ANOMALY_WINDOW": ("60", 60),
    "OPS_ALERTS": ('{"OpsModuleSlow": {"threshold": 2}}', {"OpsModuleSlow": 2.0}),
    "OPS_ANOMALY_WATCH": ('{"ops_workers": {"direction": "down"}}', {"ops_workers": "down"}),
    "OPS_ALERTMANAGER_URL": ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    "OPS_ALERTMANAGER_EXTERNAL_URL": ("https://m.example.org", "https://m.example.org"),
    "OPS_ALERTMANAGER_ACTIONS_URL": ("http://127.0.0.1:2", "http://127.0.0.1:2"),
    "OPS_ALERTMANAGER_VERSION": ("0.33.1", "0.33.1"),
    "OPS_ALERTMANAGER_WEBHOOK_TOKEN_FILE": ("/run/token", Path("/run/token")),
    **{f"OPS_ALERTMANAGER_{kind}": RECEIVERS[kind] for kind in RECEIVERS},
    "OPS_STATE_DIR": ("/state", Path("/state")),
    "OPS_EXPORTER_URL": ("http://127.0.0.1:2", "http://127.0.0.1:2"),
    "OPS_RUNBOOK_URL": ("https://wiki.example/runbook", "https://wiki.example/runbook"),
    "OPS_ACTIONS_URL": ("http://127.0.0.1:3", "http://127.0.0.1:3"),
    "OPS_ACTIONS_CLEAR_CACHE": ('{"path": "/cache/clear"}', ClearCache(path="/cache/clear")),
    "OPS_ACTIONS_CANCEL_JOB": ('{"path": "/jobs/{job_id}"}', CancelJob(path="/jobs/{job_id}")),
    "OPS_ACTIONS_INGEST": ('{"hosts": ["git.example"]}', Ingest(hosts=("git.example",))),
    "OPS_ACTIONS_TIMEOUT": ("20s", 20.0),
    "OPS_ACTIONS_COOLDOWN": ("0s", 0.0),
    "OPS_ACTIONS_RETENTION": ("30d", 2_592_000.0),
    "OPS_ADMIN_TOKEN": ("from the environment", "from the environment"),
    "OPS_ADMIN_TOKEN_FILE": ("/run/admin", Path("/run/admin")),
    "OPS_WEBHOOK_TOKEN": ("from the environment", "from the environment"),
    "OPS_WEBHOOK_TOKEN_FILE": ("/run/webhook", Path("/run/webhook")),
    "OPS_DATABASE_URL": ("postgresql://u:p@h/n", "postgresql://u:p@h/n"),
    "OPS_AUTH_OPERATORS": ('["ann", "bob"]', ("ann", "bob")),
    "OPS_AUTH_TOKENS": (
        '[{"name": "ci", "token_file": "/run/ci", "scopes": ["act"]}]',
        (Token(name="ci", token_file=Path("/run/ci"), scopes=("act",)),),
    ),
    "OPS_AUTH_PROXY": (
        '{"header": "X-User", "networks": ["10.0.0.0/8", "::1"], "logout_url": "/sign_out"}',
        Proxy(
            header="X-User",
            networks=(IPv4Network("10.0.0.0/8"), IPv6Network("::1/128")),
            logout_url="/sign_out",
        ),
    ),
    "OPS_PROMETHEUS_URL": ("http://127.0.0.1:4", "http://127.0.0.1:4"),
    "OPS_GRAFANA_URL": ("http://127.0.0.1:5", "http://127.0.0.1:5"),
}
SECTIONS = ("API", "POLL", "LIMITS", "CACHE", "ANOMALY", "ALERTMANAGER", "ACTIONS", "AUTH")
SECRETS = ("OPS_API_TOKEN", "OPS_ADMIN_TOKEN", "OPS_WEBHOOK_TOKEN", "OPS_DATABASE_URL")


@pytest.mark.parametrize(("name", "text", "value"), [(n, t, v) for n, (t, v) in OVERRIDES.items()])
def test_each_setting_of_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, value: Any
) -> None:
    source = (CONFIG / "good" / "one_api.yml").read_text("utf-8")
    path = tmp_path / "config.yml"
    path.write_text(source.replace("  token_file: /run/secrets/token\n", ""))
    monkeypatch.setenv(name, text)

    found: Any = load_service(path)
    for part in known_variables()[name].split("."):
        found = getattr(found, part)

    if name in SECRETS:
        found = found.get_secret_value()
    if name == "OPS_POLL_ENDPOINTS":
        assert {"workers", "ml", "cache"} == set(found), "the file's own stay"
        found = {"cache": found["cache"].interval}
    if name == "OPS_ANOMALY_WATCH":
        assert {"ops_queue_length", "ops_tasks_failed", "ops_workers"} == set(found)
        found = {"ops_workers": found["ops_workers"].direction}
    if name == "OPS_ALERTS":
        assert {"OpsQueueBacklogHigh", "OpsEventLatencyHigh", "OpsModuleSlow"} == set(found)
        found = {"OpsModuleSlow": found["OpsModuleSlow"].threshold}
    assert found == value


def test_the_environment_can_set_everything_that_the_file_can() -> None:
    sections = {f"OPS_{name}" for name in SECTIONS}

    assert set(known_variables()) == OVERRIDES.keys() | sections | {"OPS_TARGETS"}


def test_lists_and_mappings_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [{"name": "a", "url": "http://127.0.0.1:1"}, {"name": "b"}]
    monkeypatch.setenv("OPS_TARGETS", json.dumps(targets))

    assert [target.name for target in load().all_targets()] == ["a", "b"]


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_API_URL", "")
    monkeypatch.setenv("OPS_POLL_INTERVAL", "")

    assert load() == Settings()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (
            "OPS_POLL_INTERVAL",
            "30",
            (
                'OPS_POLL_INTERVAL: poll.interval: "30": write a number and ms, s, m, h or d, '
                "for example 5s"
            ),
        ),
        (
            "OPS_POLL_INTERVL",
            "30s",
            "OPS_POLL_INTERVL: poll.intervl: no such setting; did you mean interval?",
        ),
        (
            "OPS_TARGETS",
            "[{name: a}]",
            (
                "OPS_TARGETS: targets: is not JSON (column 3): write lists and mappings as JSON, "
                "names and texts in double quotes"
            ),
        ),
        (
            "OPS_POLL_ENDPOINTS",
            "{models: {enabled: false}}",
            (
                "OPS_POLL_ENDPOINTS: poll.endpoints: is not JSON (column 2): write lists and "
                "mappings as JSON, names and texts in double quotes"
            ),
        ),
        (
            "OPS_API_URL",
            "http://user:s3cret@127.0.0.1",
            (
                'OPS_API_URL: api.url: "http://(not shown)@127.0.0.1": leave user and password out '
                "of the URL; put the token into token_file"
            ),
        ),
        (
            "OPS_CACHE_KEYS",
            "all",
            "OPS_CACHE_KEYS: cache.keys: \"all\": write 'patterns' or 'whole'",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as raised:
        load(CONFIG / "good" / "empty.yml")

    assert raised.value.problems == (problem,)


def test_a_token_of_the_environment_and_a_file_for_it_are_one_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPS_API_TOKEN", "s3cret")

    with pytest.raises(ConfigurationError) as raised:
        load(CONFIG / "good" / "one_api.yml")

    assert str(raised.value).endswith("api: set either token or token_file, not both")
    assert "s3cret" not in str(raised.value)


def test_variables_that_set_nothing_are_named() -> None:
    environ = {
        "OPS_API_URL": "x",
        "OPS_POLL_INTERVALL": "x",
        "OPS_APIURL": "x",
        "PATH": "x",
        "OPS_CONFIG_FILE": "x",
        "OPS_ADMIN_TOKEN_FILE": "x",
        "OPS_DATABASE_URL": "x",
        "OPS_EXPORTER_SERVICE_HOST": "x",
        "OPS_EXPORTER_PORT_9847_TCP": "x",
        "OPS_ACTIONS_PORT": "x",
    }

    assert unknown_variables(environ) == ["OPS_APIURL", "OPS_POLL_INTERVALL"]


def test_by_default_the_variables_of_this_process_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPS_NO_SUCH_THING", "x")

    assert unknown_variables() == ["OPS_NO_SUCH_THING"]


def test_no_secret_is_in_what_a_configuration_shows() -> None:
    settings = load(CONFIG / "good" / "several_targets.yml")

    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "s3cret" not in shown


def test_a_configuration_cannot_be_changed() -> None:
    settings = load()

    with pytest.raises(ValueError, match="frozen"):
        settings.api.url = "http://127.0.0.1:1"  # type: ignore[misc]  # is tried here


# files


def test_files_that_cannot_be_used_are_named_before_they_are_needed(tmp_path: Path) -> None:
    empty, binary, text = tmp_path / "empty", tmp_path / "binary", tmp_path / "text"
    empty.write_text(" \n")
    binary.write_bytes(b"\xff\xfe")
    text.write_text("no certificate")
    path = tmp_path / "config.yml"
    path.write_text(
        "targets:\n"
        f"  - {{name: a, token_file: {tmp_path}/absent, ca_file: {text}}}\n"
        f"  - name: b\n    token_file: {empty}\n    ca_file: {binary}\n"
    )

    with pytest.raises(ConfigurationError) as raised:
        check_files(load(path), path)

    absent = "cannot be read (no such file or directory)"
    for_secret = "write the path of a file that holds the token"  # noqa: S105 - a text
    for_ca = "write the path of a file of CA certificates in PEM"
    assert raised.value.problems == (
        f'{path}:2: targets[0].token_file: "{tmp_path}/absent": {absent}; {for_secret}',
        f'{path}:2: targets[0].ca_file: "{text}": holds no certificates; write them in PEM',
        f'{path}:4: targets[1].token_file: "{empty}": is empty; {for_secret}',
        f'{path}:5: targets[1].ca_file: "{binary}": cannot be read (not UTF-8); {for_ca}',
    )


def test_files_that_can_be_used_are_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, certificates = tmp_path / "token", tmp_path / "ca.pem"
    token.write_text("s3cret\n")
    trustme.CA().cert_pem.write_to_path(certificates)
    monkeypatch.setenv("OPS_API_TOKEN_FILE", str(token))
    monkeypatch.setenv("OPS_API_CA_FILE", str(certificates))

    settings = load()
    check_files(settings)

    assert settings.api.bearer() == "s3cret"


def test_a_file_that_the_environment_names_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPS_API_TOKEN_FILE", str(tmp_path))

    with pytest.raises(
        ConfigurationError, match=r"^OPS_API_TOKEN_FILE: api\.token_file: .*\(is a directory\);"
    ):
        check_files(load())


def test_only_the_target_that_is_to_be_asked_needs_its_files(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(f"targets: [{{name: a, token_file: {tmp_path}/absent}}, {{name: b}}]\n")
    settings = load(path)

    check_targets(settings, path, name="b")
    check_targets(settings, path, certificates_only=True)
    with pytest.raises(ConfigurationError, match="absent"):
        check_targets(settings, path, name="a")


def test_a_state_folder_that_can_be_made_or_written_is_left_as_it_was(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "to" / "be" / "made"):
        check_files(Settings(state_dir=folder))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("file", "is no folder"),
        ("file/below", "cannot be created (not a directory)"),
        ("/proc/state", "cannot be created (no such file or directory)"),
        ("/proc", "cannot be written to ("),
    ],
)
def test_a_state_folder_that_cannot_be_used_is_named(
    tmp_path: Path, folder: str, problem: str
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "config.yml"
    path.write_text(f"api: {{}}\nstate_dir: {tmp_path / folder}\n")

    with pytest.raises(ConfigurationError) as raised:
        check_files(load(path), path)

    # A long path is cut in the message; the line of the file leads to it.
    assert str(raised.value).startswith(f'{path}:2: state_dir: "{str(tmp_path / folder)[:40]}')
    assert problem in str(raised.value)
    assert str(raised.value).endswith("write the path of a folder that the exporter may write to")


# the action service


def tokens(path: Path, *files: Path) -> Path:
    """Write a configuration whose tokens are in *files*."""
    lines = [
        f"    - {{name: t{n}, token_file: {f}, scopes: [read]}}\n" for n, f in enumerate(files)
    ]
    path.write_text("auth:\n  tokens:\n" + "".join(lines))
    return path


def test_tokens_that_let_nobody_in_by_guessing_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("0123456789abcdef\n")
    (tmp_path / "b").write_text("fedcba9876543210")
    path = tokens(tmp_path / "config.yml", tmp_path / "a", tmp_path / "b")

    check_secrets(load_service(path), path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty; write the path of a file that holds the token"),
        ("s3cret-s3cret-s3\0", "holds more than one line of plain letters and digits"),
        ("s3cret-s3cret-s", "is too easy to guess; write at least 16 random characters"),
        ("s3cret-s3cret-\ns3cret", "holds more than one line of plain letters and digits"),
    ],
)
def test_a_token_that_would_let_others_in_is_named_with_its_place(
    tmp_path: Path, content: str, problem: str
) -> None:
    file = tmp_path / "t"
    file.write_text(content)
    path = tokens(tmp_path / "config.yml", file)

    with pytest.raises(ConfigurationError) as raised:
        check_secrets(load_service(path), path)

    assert str(raised.value) == f'{path}:3: auth.tokens[0].token_file: "{file}": {problem}'
    assert "s3cret" not in repr(raised.value)


def test_two_scripts_with_one_token_could_not_be_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "t"
    file.write_text("0123456789abcdef")
    path = tokens(tmp_path / "config.yml", file, file)

    with pytest.raises(ConfigurationError) as raised:
        check_secrets(load_service(path), path)

    assert str(raised.value) == (
        f'{path}:4: auth.tokens[1].token_file: "{file}": holds the token of t0;'
        " give each a token of its own"
    )


def test_the_tokens_of_the_webhook_and_of_the_administrator_are_tried_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_WEBHOOK_TOKEN", "s3cret")
    monkeypatch.setenv("OPS_ADMIN_TOKEN_FILE", str(tmp_path / "absent"))

    with pytest.raises(ConfigurationError) as raised:
        check_secrets(load_service())

    weak, absent = raised.value.problems
    assert absent.startswith("OPS_ADMIN_TOKEN_FILE: admin_token_file: ")
    assert "cannot be read (no such file or directory)" in absent
    assert weak == (
        "OPS_WEBHOOK_TOKEN: webhook_token: (a secret, not shown): is too easy to guess;"
        " write at least 16 random characters"
    )


def test_the_database_is_in_the_state_folder_unless_said_otherwise() -> None:
    other = SecretStr("postgresql://ops@db/ops")

    assert ServiceSettings(state_dir=Path("/state")).database() == "sqlite:////state/actions.sqlite"
    assert ServiceSettings(database_url=other).database() == "postgresql://ops@db/ops"
    with pytest.raises(ConfigurationError, match=r"^state_dir: nothing: .* or set database_url"):
        ServiceSettings().database()


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("http://127.0.0.1:9848", ""),
        ("https://ops.example/", ""),
        ("https://ops.example/ops-actions/", "/ops-actions"),
        ("https://ops.example/a/b.c", "/a/b.c"),
    ],
)
def test_behind_a_proxy_the_service_may_be_in_a_folder(url: str, folder: str) -> None:
    assert ServiceSettings(actions={"url": url}).actions.folder == folder


def test_the_exporter_does_not_even_read_what_only_the_service_may_know(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("admin_token: s3cret\nauth: {tokens: nonsense}\n")

    assert load(path) == Settings()


# units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("500ms", 0.5), ("1m30s", 90), ("2h", 7200), ("1d", 86400), ("0.5s", 0.5)],
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    ["", "5", "s", "5 s", "5S", "-5s", "5s ", "1m 30s", "\u096bs", "5sec", 5, 5.0, None, True, [5]],
    ids=repr,
)
def test_what_has_no_unit_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="for example 5s"):
        duration(value)


@pytest.mark.parametrize(
    ("value", "count"),
    [("1", 1), (2, 2), ("8MiB", 2**23), ("8 MB", 8_000_000), ("500kB", 500_000), ("1GiB", 2**30)],
)
def test_a_size_is_in_bytes_or_has_a_unit(value: object, count: int) -> None:
    assert size(value) == count


@pytest.mark.parametrize(
    "value",
    ["", "0", 0, -1, 1.5, True, None, "8mb", "8M", "kB", "9" * 5000],
    ids=lambda v: repr(v)[:9],
)
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="for example 8MiB"):
        size(value)


@pytest.mark.parametrize(
    "url",
    [
        "http://h?",
        "http://h#",
        "http://h?a",
        "http://[::g]",
        "http://[1.2.3.4]",
        "http://h:0",
        "http://h:65536",
        "http://\xa1",
        "http://a\\b",
        "http://a b",
        "http://",
        "//h",
        "HTTP",
    ],
)
def test_what_cannot_be_asked_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"^write http:// or https://"):
        http_url(url)


@given(st.text(max_size=30).map(lambda text: f"http://{text}") | st.text(max_size=40))
def test_a_url_that_is_accepted_can_be_asked_and_holds_no_password(text: str) -> None:
    url = "http://127.0.0.1"
    with suppress(ValueError):
        url = http_url(text)
    asked = httpx.URL(f"{url}/api/monitoring/health")

    assert asked.scheme in {"http", "https"}
    assert asked.host
    assert asked.userinfo == b""
    assert asked.path.endswith("/api/monitoring/health")


def test_an_api_may_be_made_without_a_file() -> None:
    assert Api.model_validate({"token": " s3cret \n"}).bearer() == "s3cret"
