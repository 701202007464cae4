"""Alerts on what the product stands on: database, event bus and models."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import thresholds as t
from exporter.catalogue.alerting import Alert, Limit, RuleGroup
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.expressions import counted, present

_MODEL: Final = ("backend", "model")
_P95: Final = 'quantile="0.95"'

_POOL: Final = Limit("OpsDatabasePoolSaturated", t.POOL_USAGE_MAX)
DATABASE_POOL_SATURATED: Final = Alert(
    name=_POOL.alert,
    expr=f"{present(m.DATABASE_POOL_USAGE)}\n{_POOL.beyond('>')}\n",
    hold="2m",
    keep="2m",
    severity=Severity.WARNING,
    summary="The database pool is nearly used up.",
    description=(
        f"{_POOL.value_text} of the database connections of backend {{{{ $labels.backend }}}} are"
        f" in use, more than {_POOL.text}: soon requests will wait for one."
    ),
    panel=dashboards.DATABASE_POOL,
    limit=_POOL,
    metrics=(m.DATABASE_POOL_USAGE,),
)
_SLOW: Final = Limit("OpsSlowQueries", t.SLOW_QUERIES_MAX)
SLOW_QUERIES: Final = Alert(
    name=_SLOW.alert,
    # A deployed backend has but a counter of slow operations. Without floor, 20 would be 20.5:
    # increase reckons up what it has seen to the whole of the window.
    expr=f"""\
(
  {present(m.DATABASE_SLOW_QUERIES)}
  or
  {counted(m.SLOW_OPERATIONS, "10m")}
)
{_SLOW.beyond(">")}
""",
    hold="2m",
    keep="2m",
    severity=Severity.INFO,
    summary="The database answers many queries slowly.",
    description=(
        f"Backend {{{{ $labels.backend }}}} counts {_SLOW.value_text} slow queries, more than"
        f" {_SLOW.text}."
    ),
    panel=dashboards.DATABASE_QUERIES,
    limit=_SLOW,
    metrics=(m.DATABASE_SLOW_QUERIES,),
)
_DELIVERIES: Final = Limit("OpsEventDeliveriesFailing", t.EVENT_FAILURES_MAX)
EVENT_DELIVERIES_FAILING: Final = Alert(
    name=_DELIVERIES.alert,
    expr=f"{counted(m.EVENT_DELIVERIES_FAILED, '10m')}\n{_DELIVERIES.beyond('>')}\n",
    hold="1m",
    keep="2m",
    severity=Severity.WARNING,
    summary="Events do not reach their handlers.",
    description=(
        f"{_DELIVERIES.value_text} deliveries on the event bus of backend"
        f" {{{{ $labels.backend }}}} failed within 10 minutes, more than {_DELIVERIES.text}."
    ),
    panel=dashboards.EVENTS_FAILED,
    limit=_DELIVERIES,
    metrics=(m.EVENT_DELIVERIES_FAILED,),
)
_LATENCY: Final = Limit("OpsEventLatencyHigh", t.EVENT_LATENCY_P95_MAX)
EVENT_LATENCY_HIGH: Final = Alert(
    name=_LATENCY.alert,
    expr=f"{present(m.EVENT_LATENCY, _P95)}\n{_LATENCY.beyond('>')}\n",
    hold="2m",
    keep="2m",
    severity=Severity.INFO,
    summary="The event bus is slow.",
    description=(
        f"Emitting an event on backend {{{{ $labels.backend }}}} takes {_LATENCY.value_text} (P95),"
        f" more than {_LATENCY.text}."
    ),
    panel=dashboards.EVENTS_LATENCY,
    limit=_LATENCY,
    metrics=(m.EVENT_LATENCY,),
)
MODEL_NOT_LOADED: Final = Alert(
    name="OpsModelNotLoaded",
    expr=f"{present(m.MODEL_LOADED, by=('model',))} == 0\n",
    by=_MODEL,
    # A backend that starts loads its models for minutes.
    hold="5m",
    keep="2m",
    severity=Severity.WARNING,
    summary="A model is not loaded.",
    description=(
        "Model {{ $labels.model }} of backend {{ $labels.backend }} is not loaded: what needs it"
        " fails or waits."
    ),
    panel=dashboards.MODELS_LOADED,
)
_ERRORS: Final = Limit("OpsModelErrorsHigh", t.MODEL_ERROR_RATIO_MAX)
MODEL_ERRORS_HIGH: Final = Alert(
    name=_ERRORS.alert,
    # A model that nobody asks keeps the ratio it last had.
    expr=f"""\
(
  {present(m.MODEL_ERROR_RATIO, by=("model",))}
  unless on (backend, model)
  {present(m.MODEL_LAST_INFERENCE, by=("model",))} < time() - 3600
)
{_ERRORS.beyond(">")}
""",
    by=_MODEL,
    hold="2m",
    keep="2m",
    severity=Severity.WARNING,
    summary="A model fails too often.",
    description=(
        f"{_ERRORS.value_text} of the inferences of model {{{{ $labels.model }}}} of backend"
        f" {{{{ $labels.backend }}}} fail, more than {_ERRORS.text}."
    ),
    panel=dashboards.MODELS_ERRORS,
    limit=_ERRORS,
    metrics=(m.MODEL_ERROR_RATIO,),
)

GROUP: Final = RuleGroup(
    name="ops-infrastructure",
    rules=(
        DATABASE_POOL_SATURATED,
        SLOW_QUERIES,
        EVENT_DELIVERIES_FAILING,
        EVENT_LATENCY_HIGH,
        MODEL_NOT_LOADED,
        MODEL_ERRORS_HIGH,
    ),
)
