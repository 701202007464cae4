"""docs/dashboards.md names a place for each part of the design, and the places are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.catalogue import actions
from exporter.catalogue.dashboards import DASHBOARDS
from exporter.catalogue.rules import ALERTS
from tests.conftest import ROOT
from tests.mixin import written

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "dashboards.md"
TABLES = PAGE.read_text("utf-8").partition("\n## Where each part of the design is\n")[2]
GRAFANA, NOT_POSSIBLE = "Grafana", "Not possible"

# What the design names: each word stands in the first column of a row below its heading.
DESIGN: Final = {
    "Architecture": (
        "alert panel, health overview, performance chart, quick actions, module grid of 13,"
        " database, event bus, cache, ingestion queue, heartbeat, ML models, professional,"
        " magic-mcp, shadcn-ui, magic-ui, threshold-based, auto-refresh, anomaly detection on"
    ),
    "Component hierarchy": (
        "OpsPage, OpsLayout, PageHeader, `Title`, RefreshButton, TimeRangeSelector,"
        " AlertPreferencesButton, SmartAlertPanel, ActiveAlerts, AlertHistoryButton,"
        " AlertPreferencesDrawer, HealthOverviewSection, HealthStatusCard, alert badge,"
        " QuickStatsGrid,"
        " response time, request rate, error rate, uptime, ModuleHealthSection, SectionHeader,"
        " ModuleHealthGrid, ModuleHealthCard, StatusBadge, ModuleName, ResponseTime,"
        " TrendIndicator, ErrorCount, AnomalyIndicator, AlertBadge, ModuleHealthFilters,"
        " PerformanceSection, PerformanceChart, LineChart, IngestionSection, IngestionQueueViz,"
        " QueueStatusChart, QueueMetrics, IngestionTrigger, RepoUrlInput, IngestButton,"
        " JobHistoryTable, JobRow, WorkerHeartbeat, InfrastructureSection, DatabaseMonitor,"
        " ConnectionPoolChart, QueryPerformanceTable, TableStatsTable, EventBusMonitor,"
        " EventMetricsGrid, EventTypesChart, EventHistoryTimeline, CacheMonitor,"
        " CacheHitRateChart, TopKeysTable, ClearCacheButton, WorkersSection, WorkerMonitor,"
        " WorkerStatusCard, QueueLengthChart, FailedTasksList, MLSection, ModelHealthMonitor,"
        " ModelHealthGrid, ModelHealthCard, ModelName, LoadStatus, InferenceTime, MemoryUsage,"
        " EngagementSection, EngagementMetrics, RecommendationQuality, QualityMetricsGrid,"
        " OperationsSection, SparseEmbeddingGenerator, GenerateButton, ProgressIndicator,"
        " LastGeneratedTimestamp"
    ),
    "State": (
        "healthData, performanceData, databaseData, eventBusData, cacheData, workerData,"
        " modelHealthData, engagementData, recommendationData, `timeRange`, `autoRefresh`,"
        " `moduleFilter`, setTimeRange, toggleAutoRefresh, setModuleFilter, refreshAll"
    ),
    "API hooks": (
        "useHealthCheck, every 30 s, useModuleHealth, usePerformanceMetrics,"
        " useRecommendationQuality, useUserEngagement, useDatabaseMetrics, useDbPoolStatus,"
        " useEventBusMetrics, useEventHistory, useCacheStats, useWorkerStatus,"
        " useMLModelHealth, useModelHealth"
    ),
    "API integration": (
        "getHealth, getMLHealth, getModelHealth, getPerformance, getRecommendationQuality,"
        " getUserEngagement, getDatabase, getDbPool, getEventBus, getEventHistory,"
        " getCacheStats, getWorkerStatus, MONITORING_BASE, useAutoRefresh, invalidateQueries"
    ),
    "1. OpsPage": "route, fetching, auto-refresh",
    "2. HealthStatusCard": (
        "`status`, `timestamp`, `moduleCount`, `degradedModules`, indicator, text"
    ),
    "3. ModuleHealthCard": (
        "`moduleName`, `status`, badge, `responseTime`, `errorCount`, `onClick`, hover"
    ),
    "4. PerformanceChart": "`data`, `timeRange`, line chart, P50, P95, P99, x-axis, y-axis",
    "5. DatabaseMonitor": (
        "`data`, progress bar, active, idle, max, utilization, average, slow queries, slowest,"
        " table name, row count, size"
    ),
    "6. EventBusMonitor": (
        "`data`, `history`, emitted, received, latency, failed, pie chart, timeline,"
        " last 100, timestamp"
    ),
    "7. CacheMonitor": (
        "`data`, `onClearCache`, confirmation, hit rate, miss rate, key name, hit count, size"
    ),
    "8. WorkerMonitor": (
        "`data`, active workers, health, queue length, processing rate, failed tasks, details"
    ),
    "9. ModelHealthMonitor": (
        "`data`, 3 columns, name, load status, inference time, memory, last inference"
    ),
    "10. MetricCard": (
        "`title`, `value`, `unit`, `trend`, `trendValue`, `icon`, `status`, `hasAnomaly`,"
        " `anomalyMessage`, reusable"
    ),
    "11. SmartAlertPanel": (
        "`alerts`, `onDismiss`, `onAcknowledge`, `onViewHistory`, `id`, `severity`, `message`,"
        " value, `timestamp`, `source`, `acknowledged`, stacked, colour, slide-in, sound,"
        " `errorRate`, `responseTime`, `queueLength`, `cacheHitRate`, `workerHealth`"
    ),
    "12. AnomalyDetector": (
        "`currentValue`, `historicalValues`, `threshold`, `onAnomalyDetected`, `type`, spike,"
        " drop, pattern, `severity`, low, medium, high, `message`, `detectAnomaly`, mean,"
        " deviation, z-score, icon, tooltip, border"
    ),
    "13. TrendIndicator": (
        "`trend`, up, down, neutral, `value`, `size`, improving, degrading, stable, percentage"
    ),
    "14. IngestionQueueViz": (
        "`queue`, `pending`, `processing`, `completed`, `failed`, donut, colours, hover, click,"
        " filter the job history"
    ),
    "15. IngestionTrigger": (
        "`onIngest`, input, button, loading state, notification, recent ingestions"
    ),
    "16. JobHistoryTable": (
        "`jobs`, `onRetry`, `onCancel`, `id`, `repo_url`, `status`, `started_at`,"
        " `completed_at`, `duration_seconds`, `error_message`, columns, badge, failed jobs,"
        " stuck jobs, expandable"
    ),
    "17. WorkerHeartbeat": (
        "`workers`, `id`, `type`, cloud, edge, `status`, `last_heartbeat`, `gpu_available`,"
        " orbiting, circle, pulsing, gray, tooltip"
    ),
    "18. SparseEmbeddingGenerator": (
        "`onGenerate`, `lastGenerated`, button, progress bar, remaining, notification"
    ),
    "19. AlertHistoryDrawer": (
        "`alerts`, `open`, `onClose`, drawer, timeline, severity, search, CSV"
    ),
    "20. AlertPreferencesDrawer": (
        "`preferences`, `onSave`, `open`, `onClose`, `errorRateThreshold`,"
        " `responseTimeThreshold`, `queueLengthThreshold`, `soundEnabled`, `metrics`, form,"
        " switch, toggle, save, cancel"
    ),
    "Styling": (
        "healthy, degraded, down, primary, secondary, tertiary, 12-column, gap, desktop,"
        " tablet, mobile, border, background, padding, rounding, shadow"
    ),
    "Error handling": (
        "backend unreachable, last known, stale, last successful fetch, retry button,"
        " partial data, failed sections, working endpoints, timeout, skeleton, 10 seconds,"
        " ErrorBoundary, AlertTitle, `error.message`, `retry`"
    ),
    "Performance": (
        "lazy loading, non-critical, memoization, React.memo, debounce the time range,"
        " debounce filters, event history, table stats, batching, HTTP/2"
    ),
    "Accessibility": (
        "tab, enter and space, arrow keys, ARIA labels, ARIA live, alt text, patterns,"
        " contrast, text labels"
    ),
    "Testing": (
        "rendering, transformation, error handling, API integration, auto-refresh,"
        " filter and sort, full dashboard load, time range, module health filtering, cache clear"
    ),
    "Related documentation": "requirements, tasks, monitoring API, phases",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    heading: str
    part: str
    where: str
    how: str


def rows() -> Iterator[Row]:
    for section in TABLES.split("\n### ")[1:]:
        heading, _, text = section.partition("\n")
        for line in text.splitlines():
            if line.startswith("| ") and not line.startswith(("| Design |", "| --- |")):
                part, where, how = (cell.strip() for cell in line.strip("|").split("|"))
                yield Row(heading=heading, part=part, where=where, how=how)


ROWS = list(rows())
TREES: dict[str, dict[str, Any]] = {p.stem: written.dashboard(p) for p in written.DASHBOARDS}


def titles(uid: str) -> dict[int, str]:
    """Return the panels of a dashboard, with its rows."""
    found: dict[int, str] = {}
    for item in TREES[uid]["panels"]:
        for panel in (item, *item.get("panels", ())):
            found[panel["id"]] = panel["title"]
    return found


def panels(text: str) -> list[tuple[str, int, str]]:
    """Return uid, id and title of each panel named in *text*; a uid holds until the next one."""
    found = []
    for uid, several in re.findall(r"`(ops-[a-z]+)` (\d+ \*[^*]+\*(?:, \d+ \*[^*]+\*)*)", text):
        for number, title in re.findall(r"(\d+) \*([^*]+)\*", several):
            found.append((uid, int(number), title))
    return found


def routes(text: str) -> list[str]:
    return re.findall(r"`(/[^`?]*)", text)


def unknown(row: Row) -> str:
    """Return what is left of *Where* without the places that are checked below."""
    places = (
        r"`ops-[a-z]+` \d+ \*[^*]+\*(, \d+ \*[^*]+\*)*",
        r"`/[a-z/-]*`",
        r"link \*[^*]+\*",
        r"`ops-[a-z]+` variable `[a-z_]+`",
        r"alert `\w+`",
        r"\[[^]]+\]\([^)]+\)",
        GRAFANA,
        NOT_POSSIBLE,
    )
    rest = [p for p in row.where.split(" · ") if not re.fullmatch("|".join(places), p)]
    return " · ".join(rest)


@pytest.mark.parametrize("heading", DESIGN)
def test_each_part_of_the_design_has_its_row(heading: str) -> None:
    parts = "\n".join(row.part for row in ROWS if row.heading == heading).lower()

    missing = [
        name
        for name in DESIGN[heading].split(", ")
        if not re.search(rf"(?<!\w){re.escape(name.strip().lower())}(?!\w)", parts)
    ]
    assert missing == []


def test_the_sections_are_those_of_the_design_in_its_order() -> None:
    found = list(dict.fromkeys(row.heading for row in ROWS))

    assert found == list(DESIGN)
    assert [h.split(".")[0] for h in found if h[0].isdigit()] == [str(n) for n in range(1, 21)]


def test_every_row_names_a_place_of_a_known_kind() -> None:
    assert [(row.part, unknown(row)) for row in ROWS if unknown(row) or not row.where] == []


def test_every_panel_that_is_named_exists_by_that_title() -> None:
    named = panels(PAGE.read_text("utf-8"))

    assert len(named) > len(ROWS)
    assert [p for p in named if titles(p[0]).get(p[1]) != p[2]] == []


def test_every_page_that_is_named_is_a_route_of_the_action_service() -> None:
    known = {route.path for route in actions.ROUTES}
    named = {path for row in ROWS for path in routes(row.where)}

    assert named <= known
    # The rest is for programs, or is reached from these pages.
    assert known - named == {"/audit", "/api/v1", "/api/docs", "/webhooks/alertmanager"}


def test_every_link_that_is_named_is_in_the_header_of_every_dashboard() -> None:
    named = {title for row in ROWS for title in re.findall(r"link \*([^*]+)\*", row.where)}

    assert named == {"Refresh now", "Alert preferences", "Alert history"}
    for tree in TREES.values():
        assert named <= {link["title"] for link in tree["links"]}


def test_every_variable_and_alert_that_is_named_exists() -> None:
    variables = re.findall(r"`(ops-[a-z]+)` variable `(\w+)`", TABLES)
    alerts = set(re.findall(r"`(Ops[A-Z]\w+)`", TABLES)) - {"OpsPage", "OpsLayout"}

    assert variables
    for uid, name in variables:
        assert name in {v["name"] for v in TREES[uid]["templating"]["list"]}
    assert alerts
    assert alerts <= {alert.name for alert in ALERTS}


def test_every_file_that_is_named_exists() -> None:
    paths = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE.read_text("utf-8"))

    assert [path for path in paths if not (PAGE.parent / path).exists()] == []


def test_what_grafana_does_or_nobody_can_is_explained() -> None:
    theirs = [row for row in ROWS if row.where in {GRAFANA, NOT_POSSIBLE}]

    assert theirs
    assert [row.part for row in theirs if not row.how] == []
    possible = [row for row in ROWS if row.where != NOT_POSSIBLE]
    assert [row.part for row in possible if NOT_POSSIBLE in row.where] == []


def test_each_dashboard_is_in_the_list_with_its_title_and_leads_to_its_file() -> None:
    text = PAGE.read_text("utf-8")

    for identity in DASHBOARDS:
        row = (
            f"| [{identity.title}](../grafana/dashboards/{identity.uid}.json) | `{identity.uid}` | "
        )
        assert row in text
    assert {uid for uid, _, _ in panels(TABLES)} == {identity.uid for identity in DASHBOARDS}


def test_a_second_panel_is_of_the_dashboard_named_before_it() -> None:
    assert panels("`ops-a` 1 *One*, 2 *Two: 2* · `ops-b` 3 *Three*") == [
        ("ops-a", 1, "One"),
        ("ops-a", 2, "Two: 2"),
        ("ops-b", 3, "Three"),
    ]
