"""Which files are generated, what must stand in them, and how they differ from what does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue.rules import ALERTS, GROUPS, preferences
from exporter.links import Links
from exporter.mixin import alert_tables, alertmanager, notifications, operator, tables
from exporter.mixin.dashboards import DASHBOARDS
from exporter.mixin.rules import rule_file
from exporter.settings import Settings
from exporter.settings.alerts import switched_off, thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.catalogue.alerting import RuleGroup

# Whatever lies there and is not rendered has lost its source.
_OWNED: Final = (
    "alertmanager/*.yml",
    "alertmanager/templates/*.tmpl",
    "grafana/dashboards/*.json",
    "prometheus/operator/*.yaml",
    "prometheus/rules/*.yml",
)
# Page, name of its markers, what stands between them.
_TABLES: Final[tuple[tuple[str, str, Callable[[], str]], ...]] = (
    ("README.md", "metrics", tables.metric_overview),
    ("README.md", "alerts", alert_tables.alerts),
    ("docs/runbook.md", "thresholds", alert_tables.thresholds),
    ("docs/runbook.md", "inhibitions", alert_tables.inhibitions),
    ("docs/metrics.md", "metrics", tables.metric_reference),
    ("docs/metrics.md", "watched", tables.watched),
    ("docs/configuration.md", "settings", tables.configuration),
    ("docs/alertmanager.md", "receivers", tables.receivers),
    ("docs/alertmanager.md", "versions", tables.alertmanager_versions),
)


def defaults() -> Settings:
    """Return the built-in defaults, whatever the environment holds."""
    return Settings.model_construct()


def rendered(settings: Settings) -> dict[str, str]:
    """Return path and text of each file that programs read, for these *settings*."""
    links = Links.of(settings)
    groups = _groups(settings)
    files = {f"prometheus/rules/{group.name}.yml": rule_file(group, links) for group in groups}
    for name, text in operator.resources(groups, links).items():
        files[f"prometheus/operator/{name}"] = text
    files["alertmanager/alertmanager.yml"] = alertmanager.configuration(
        links, settings.alertmanager
    )
    files["alertmanager/drop-in.yml"] = alertmanager.drop_in(links, settings.alertmanager)
    for name, text in notifications.templates(links).items():
        files[f"alertmanager/templates/{name}"] = text
    for identity, render in DASHBOARDS.items():
        files[f"grafana/dashboards/{identity.uid}.json"] = render(links)
    return files


def _groups(settings: Settings) -> tuple[RuleGroup, ...]:
    """Return the rules with the defaults that *settings* want."""
    chosen = settings.alerts
    ours = preferences(ALERTS, thresholds(chosen), switched_off(chosen))
    return tuple(ours if group.name == ours.name else group for group in GROUPS)


def documented(root: Path) -> dict[str, str]:
    """
    Return path and text of each page below *root* that holds a table of ours.

    Raises:
        OSError: If a page cannot be read.
        ValueError: If a page has lost its markers; the text names it.
    """
    pages: dict[str, str] = {}
    for name, marker, table in _TABLES:
        page = pages[name] if name in pages else (root / name).read_text("utf-8")
        try:
            pages[name] = tables.replaced(page, marker, table())
        except ValueError as error:
            message = f"{name}: {error}"
            raise ValueError(message) from None
    return pages


def stale(root: Path, want: Mapping[str, str]) -> list[str]:
    """Name what below *root* is not as wanted: changed, missing, or without a source."""
    problems = []
    for name, text in want.items():
        path = root / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif path.read_text("utf-8") != text:
            problems.append(f"{name}: changed")
    return sorted(problems + [f"{name}: no source" for name in _orphans(root, want)])


def write(root: Path, want: Mapping[str, str]) -> None:
    """Write what is wanted below *root* and remove what has no source any more."""
    for name, text in want.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for name in _orphans(root, want):
        (root / name).unlink()


def _orphans(root: Path, want: Mapping[str, str]) -> list[str]:
    have = {path.relative_to(root).as_posix() for glob in _OWNED for path in root.glob(glob)}
    return sorted(have - want.keys())
