"""The expressions about alerts that fire: which rows a table has, and where each leads to."""

from __future__ import annotations

import promql_parser
import pytest

from exporter.catalogue.rules import ALERTS
from exporter.mixin import firing

KINDS = [
    expression(acknowledged=acknowledged)
    for expression in (firing.severity, firing.since, firing.value)
    for acknowledged in (False, True)
]


@pytest.mark.parametrize("expression", KINDS)
def test_all_columns_are_joined_by_the_same_labels(expression: str) -> None:
    """What the columns have in common is how a table knows which values stand in one row."""
    tree = promql_parser.parse(expression)

    assert isinstance(tree, promql_parser.AggregateExpr)
    assert tree.modifier is not None
    shared = ["alertname", "backend", "source", "acknowledge", "dismiss"]
    assert tree.modifier.labels[: len(shared)] == shared
    # Of a value its text is a label of its own.
    assert tree.modifier.labels[len(shared) :] in ([], ["value"])


def test_the_alert_that_always_fires_is_not_one() -> None:
    assert 'alertname!="OpsWatchdog"' in firing.firing()


def test_alerts_of_no_backend_are_shown_whatever_backend_is_chosen() -> None:
    assert 'backend=~"$backend|"' in firing.firing()


def test_a_link_names_every_label_by_which_alerts_of_one_name_differ() -> None:
    expression = firing.severity(acknowledged=False)

    own = {label for alert in ALERTS for label in alert.by} - {"job"}
    for label in own:
        assert f'"&{label}=", "acknowledge", "{label}"' in expression


def test_what_is_acknowledged_is_told_apart_by_the_labels_of_the_alert_itself() -> None:
    """Its severity is not one of them: both rules of one fault are acknowledged at once."""
    left_out, kept = (firing.since(acknowledged=known) for known in (False, True))

    assert "\nunless on (alertname, backend, kind, endpoint, module," in left_out
    assert "\nand on (alertname, backend, kind, endpoint, module," in kept
    assert "severity" not in left_out


def test_alerts_are_counted_by_what_they_are_about() -> None:
    assert firing.by_entity("module").startswith("count by (backend, module) (ALERTS{")
    assert 'module!=""' in firing.by_entity("module")
