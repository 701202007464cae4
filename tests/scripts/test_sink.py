from __future__ import annotations

from scripts.sink import describe

ALERT = {
    "status": "firing",
    "labels": {"alertname": "OpsSystemDown", "severity": "critical"},
    "annotations": {
        "summary": "The product is down.",
        "runbook_url": "http://127.0.0.1:9847/runbook#opssystemdown",
        "dashboard_url": "http://127.0.0.1:3000/d/ops-exporter",
    },
}


def test_a_link_to_a_dashboard_says_that_no_grafana_is_here() -> None:
    (text,) = describe({"alerts": [ALERT]})

    first, runbook, dashboard = text.plain.splitlines()
    assert first.endswith("FIRING    critical  OpsSystemDown  The product is down.")
    assert runbook.strip() == "http://127.0.0.1:9847/runbook#opssystemdown"
    assert dashboard.endswith("/d/ops-exporter (needs a Grafana of your own)")


def test_what_is_resolved_needs_no_links() -> None:
    (text,) = describe({"alerts": [{**ALERT, "status": "resolved"}]})

    assert "RESOLVED" in text.plain
    assert "http" not in text.plain
