"""What the catalogue refuses to declare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exporter.catalogue.actions import ROUTES, Route
from exporter.catalogue.alerting import Inhibition, Limit, Recording, RuleGroup, Threshold
from exporter.catalogue.dashboards import Dashboard
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.monitoring import EXPORTER_ABSENT, EXPORTER_DOWN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "ExporterDown"}, "must be Ops and CamelCase"),
        ({"name": "Ops_Exporter"}, "must be Ops and CamelCase"),
        ({"hold": "0s"}, "hold '0s' must be a number"),
        ({"hold": "5 minutes"}, "hold '5 minutes' must be a number"),
        ({"keep": "0s"}, "hold '0s' must be a number"),
        ({"limit": Limit("OpsElse", Threshold(value=1))}, "its limit is that of OpsElse"),
        ({"summary": "The exporter is down"}, "summary is a sentence"),
        ({"summary": "More than 5 exporters are down."}, "summary is a sentence"),
        ({"summary": "{{ $labels.backend }} is down."}, "summary is a sentence"),
        ({"description": "Something is down."}, "description is a sentence"),
        ({"description": "{{ $labels.backend }} is down"}, "description is a sentence"),
        ({"description": "{{ $labels.module }} is down."}, "labels that the alert has not"),
    ],
)
def test_an_alert_that_breaks_a_convention_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(EXPORTER_DOWN, **change)


@pytest.mark.parametrize("record", ["ops_error_ratio", "backend:error_ratio:rate5m", "a:ops_x"])
def test_a_recording_rule_is_named_by_level_metric_and_operations(record: str) -> None:
    with pytest.raises(ValueError, match="must be level:ops_metric:operations"):
        Recording(record=record, expr="1")

    assert str(Recording(record="backend:ops_error:ratio_rate5m", expr="1")) == (
        "backend:ops_error:ratio_rate5m"
    )


def test_an_inhibition_by_a_label_that_one_side_has_not_is_refused() -> None:
    """Alertmanager takes a label that both lack as equal: it would hide what it must not."""
    with pytest.raises(ValueError, match="OpsExporterAbsent: has not all of the labels"):
        Inhibition(sources=(EXPORTER_ABSENT,), targets=(EXPORTER_DOWN,), equal=("backend",))


@pytest.mark.parametrize("count", [0, 21])
def test_a_group_of_rules_has_at_least_one_and_at_most_twenty(count: int) -> None:
    with pytest.raises(ValueError, match="a group has 1 to 20 rules"):
        RuleGroup(name="ops-x", rules=(EXPORTER_DOWN,) * count)


@pytest.mark.parametrize(
    ("threshold", "promql", "text"),
    [
        (Threshold(value=0.05, unit="ratio"), "0.05", "5 %"),
        (Threshold(value=0.5, unit="seconds"), "0.5", "500 ms"),
        (Threshold(value=0.001, unit="seconds"), "0.001", "1 ms"),
        (Threshold(value=30, unit="seconds"), "30", "30 s"),
        (Threshold(value=300, unit="seconds"), "300", "5 min"),
        (Threshold(value=100), "100", "100"),
    ],
)
def test_a_threshold_is_written_for_prometheus_and_for_people(
    threshold: Threshold, promql: str, text: str
) -> None:
    assert (str(threshold), threshold.text) == (promql, text)


def test_a_limit_is_the_threshold_in_force_and_not_a_number() -> None:
    limit = Limit("OpsQueueBacklogHigh", Threshold(value=100), 2)

    assert limit.beyond(">") == (
        '> on () group_left () 2 * alert:ops_alert_threshold:current{alert="OpsQueueBacklogHigh"}'
    )
    assert "100" not in limit.text


def test_an_inhibition_can_be_of_one_severity_and_of_one_metric() -> None:
    inhibition = Inhibition(
        sources=(EXPORTER_DOWN,),
        targets=(EXPORTER_DOWN, EXPORTER_ABSENT),
        source_severity=Severity.CRITICAL,
        target_severity=Severity.WARNING,
        target_labels=(("metric", "ops_queue_length"),),
    )

    assert inhibition.source_matchers == ('alertname="OpsExporterDown"', 'severity="critical"')
    assert inhibition.target_matchers == (
        'alertname=~"OpsExporterDown|OpsExporterAbsent"',
        'severity="warning"',
        'metric=~"ops_queue_length"',
    )


def test_a_dashboard_has_a_uid_of_the_family_and_a_purpose() -> None:
    with pytest.raises(ValueError, match="must be ops- and lower-case letters"):
        Dashboard(uid="exporter", title="Exporter", purpose="Why.")
    with pytest.raises(ValueError, match="purpose is a sentence"):
        Dashboard(uid="ops-x", title="X", purpose="Why")


def test_a_route_is_a_path_of_lower_case_words() -> None:
    with pytest.raises(ValueError, match="must be lower-case words"):
        Route(slug="x", path="/Actions/", title="X")


def test_the_routes_of_the_action_service_are_pinned() -> None:
    assert {route.slug: route.path for route in ROUTES} == {
        "quick-actions": "/",
        "ingest": "/actions/ingest",
        "clear-cache": "/actions/clear-cache",
        "refresh": "/actions/refresh",
        "generate-sparse-embeddings": "/actions/generate-sparse-embeddings",
        "retry-job": "/actions/retry-job",
        "cancel-job": "/actions/cancel-job",
        "alerts": "/alerts",
        "acknowledge": "/alerts/acknowledge",
        "dismiss": "/alerts/dismiss",
        "history": "/alerts/history",
        "preferences": "/alerts/preferences",
        "events": "/events",
        "jobs": "/jobs",
        "audit": "/audit",
        "webhook": "/webhooks/alertmanager",
        "api": "/api/v1",
        "api-docs": "/api/docs",
    }
