"""What is committed is what the catalogue says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.catalogue.alerting import DEFAULT, THRESHOLD
from exporter.cli import main
from exporter.mixin import files
from exporter.mixin.tables import replaced
from tests.conftest import ROOT
from tests.mixin.written import panels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return a folder into which the defaults were rendered."""
    files.write(tmp_path, files.rendered(files.defaults()))
    return tmp_path


def test_the_committed_files_are_current() -> None:
    """Otherwise: ops-exporter generate, and commit the rendering with its cause."""
    want = files.rendered(files.defaults()) | files.documented(ROOT)

    assert files.stale(ROOT, want) == []


def test_changed_missing_and_orphaned_files_are_named(written: Path) -> None:
    (written / "prometheus/rules/ops-monitoring.yml").write_text("groups: []\n", "utf-8")
    (written / "alertmanager/alertmanager.yml").unlink()
    (written / "grafana/dashboards/ops-gone.json").write_text("{}\n", "utf-8")

    assert files.stale(written, files.rendered(files.defaults())) == [
        "alertmanager/alertmanager.yml: missing",
        "grafana/dashboards/ops-gone.json: no source",
        "prometheus/rules/ops-monitoring.yml: changed",
    ]


def test_writing_removes_what_has_no_source_and_nothing_else(written: Path) -> None:
    orphan = written / "prometheus/rules/old.yml"
    by_hand = written / "prometheus/rules/tests/mine.yml"
    by_hand.parent.mkdir()
    for path in (orphan, by_hand):
        path.write_text("by hand\n", "utf-8")

    files.write(written, files.rendered(files.defaults()))

    assert not orphan.exists()
    assert by_hand.exists()


def test_the_bytes_do_not_depend_on_the_order_of_hashes(tmp_path: Path) -> None:
    rendered = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "exporter.cli", "generate", "--output", folder],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
        )
        rendered.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.*")})

    assert len(rendered[0]) == len(files.rendered(files.defaults()))
    assert rendered[0] == rendered[1]


def test_the_committed_files_hold_defaults_whatever_the_environment_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPS_EXPORTER_URL", "https://exporter.example.org")
    monkeypatch.setenv("OPS_GRAFANA_URL", "https://grafana.example.org")
    monkeypatch.chdir(ROOT)

    assert main(["generate", "--check"]) == 0


def test_output_is_rendered_for_the_configured_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "ops-exporter.yml"
    config.write_text("exporter_url: https://exporter.example.org/ops/\n", "utf-8")
    monkeypatch.setenv("OPS_ACTIONS_URL", "https://actions.example.org")
    out = tmp_path / "out"

    assert main(["generate", "--config.file", str(config), "--output", str(out)]) == 0

    rules = (out / "prometheus/rules/ops-monitoring.yml").read_text("utf-8")
    assert "https://exporter.example.org/ops/runbook#opsexporterdown" in rules
    receiver = (out / "alertmanager/alertmanager.yml").read_text("utf-8")
    assert "url: https://actions.example.org/webhooks/alertmanager" in receiver
    assert "127.0.0.1:9847" not in rules


def test_a_configured_threshold_is_the_default_that_dashboards_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_ALERTS", '{"OpsQueueBacklogHigh": {"threshold": 250}}')
    out = tmp_path / "out"

    assert main(["generate", "--output", str(out)]) == 0

    rules = yaml.safe_load((out / "prometheus/rules/ops-preferences.yml").read_text("utf-8"))
    recorded = {rule["record"]: rule["expr"] for rule in rules["groups"][0]["rules"]}
    configured = 'label_replace(vector(250.0), "alert", "OpsQueueBacklogHigh", "", "")'
    for name in (DEFAULT, THRESHOLD):
        assert configured in recorded[name]
        assert recorded[name].count("OpsQueueBacklogHigh") == 1
    tree = json.loads((out / "grafana/dashboards/ops-alerts.json").read_text("utf-8"))
    (counts,) = (panel for panel in panels(tree) if panel["title"] == "Thresholds: counts")
    current, default, changed = (target["expr"] for target in counts["targets"])
    assert default == current.replace(THRESHOLD, DEFAULT)
    assert changed == f"{current} != bool on (alert) ({default})"


def test_check_names_what_differs_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--output", str(tmp_path), "--check"]) == 1

    assert "prometheus/rules/ops-monitoring.yml: missing\n" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_outside_of_a_checkout_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["generate"]) == 1

    expected = f"ops-exporter: {tmp_path}: is no checkout of ops-exporter: "
    assert capsys.readouterr().err == f"{expected}change into one, or add --output DIR\n"


def test_a_configuration_for_the_committed_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    assert main(["generate", "--config.file", "mine.yml"]) == 1

    assert "--config.file mine.yml: needs --output" in capsys.readouterr().err


def test_a_table_takes_the_place_of_the_one_between_its_markers() -> None:
    page = "a\n<!-- x:begin -->\nold \\1\n<!-- x:end -->\nb\n"

    assert replaced(page, "x", "new \\1\n") == "a\n<!-- x:begin -->\nnew \\1\n<!-- x:end -->\nb\n"


@pytest.mark.parametrize(
    "page", ["", "<!-- x:begin -->", "<!-- x:begin --><!-- x:begin --><!-- x:end -->"]
)
def test_a_page_that_lost_its_markers_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="needs <!-- x:begin --> and <!-- x:end -->, once each"):
        replaced(page, "x", "")
