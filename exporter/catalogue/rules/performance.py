"""Alerts on how fast and how well the API and its cache serve."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import thresholds as t
from exporter.catalogue.alerting import Alert, Limit, Recording, RuleGroup
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.expressions import present

# From this many times the threshold on, it is critical.
CRITICAL_FACTOR: Final = 2

REQUEST_RATE: Final = Recording(
    record="backend:ops_api_requests_per_second:max", expr=f"{present(m.API_REQUEST_RATE)}\n"
)
ERROR_RATIO: Final = Recording(
    record="backend:ops_api_error_ratio:max",
    expr=f"""\
{present(m.API_ERROR_RATIO)}
and on (backend)
{REQUEST_RATE} >= {t.TRAFFIC_MIN}
""",
)
RESPONSE_TIME: Final = Recording(
    record="backend_quantile:ops_api_response_time_seconds:max",
    expr=f"{present(m.API_RESPONSE_TIME, by=('quantile',))}\n",
)
# A deployed backend counts hits and misses: what it tells as its ratio is of all its life. Of a
# designed one the ratio is all there is.
_LOOKED_UP: Final = f"(increase({m.CACHE_HITS}[10m]) + increase({m.CACHE_MISSES}[10m]))"
CACHE_HIT_RATIO: Final = Recording(
    record="backend:ops_cache_hit_ratio:current",
    expr=f"""\
max by (backend) (
  increase({m.CACHE_HITS}[10m])
  / ({_LOOKED_UP} >= {t.LOOKUPS_MIN})
)
or
(
  {present(m.CACHE_HIT_RATIO)}
  and on (backend)
  {REQUEST_RATE} >= {t.TRAFFIC_MIN}
  unless on (backend)
  max by (backend) (max_over_time({m.CACHE_HITS}[10m]))
)
""",
)


def _beside(severity: Severity) -> int:
    return CRITICAL_FACTOR if severity is Severity.CRITICAL else 1


def _error_rate(severity: Severity) -> Alert:
    limit = Limit("OpsApiErrorRateHigh", t.ERROR_RATIO_MAX, _beside(severity))
    return Alert(
        name=limit.alert,
        expr=f"{ERROR_RATIO}\n{limit.beyond('>')}\n",
        hold="2m",
        keep="2m",
        severity=severity,
        summary="Too many requests to the API fail.",
        description=(
            f"{limit.value_text} of the requests to the API of backend {{{{ $labels.backend }}}}"
            f" fail, more than {limit.text}."
        ),
        panel=dashboards.OVERVIEW_ERROR_RATE,
        limit=limit,
        metrics=(m.API_ERROR_RATIO,),
        actions=(actions.REFRESH,),
    )


def _response_time(severity: Severity) -> Alert:
    limit = Limit("OpsApiResponseTimeHigh", t.RESPONSE_TIME_P95_MAX, _beside(severity))
    return Alert(
        name=limit.alert,
        expr=f"""\
max without (quantile) ({RESPONSE_TIME}{{quantile="0.95"}})
{limit.beyond(">")}
""",
        hold="2m",
        keep="2m",
        severity=severity,
        summary="The API answers slowly.",
        description=(
            "The slowest twentieth of the requests to the API of backend {{ $labels.backend }}"
            f" take {limit.value_text} or longer (P95), more than {limit.text}."
        ),
        panel=dashboards.OVERVIEW_RESPONSE_TIME,
        limit=limit,
        metrics=(m.API_RESPONSE_TIME,),
        actions=(actions.REFRESH,),
    )


ERROR_RATE_CRITICAL: Final = _error_rate(Severity.CRITICAL)
ERROR_RATE: Final = _error_rate(Severity.WARNING)
RESPONSE_TIME_CRITICAL: Final = _response_time(Severity.CRITICAL)
RESPONSE_TIME_HIGH: Final = _response_time(Severity.WARNING)
_HIT_RATE: Final = Limit("OpsCacheHitRateLow", t.CACHE_HIT_RATIO_MIN)
CACHE_HIT_RATE_LOW: Final = Alert(
    name=_HIT_RATE.alert,
    expr=f"{CACHE_HIT_RATIO}\n{_HIT_RATE.beyond('<')}\n",
    # A cache that was cleared fills again within minutes.
    hold="5m",
    keep="2m",
    severity=Severity.WARNING,
    summary="The cache misses too often.",
    description=(
        f"{_HIT_RATE.value_text} of the lookups in the cache of backend {{{{ $labels.backend }}}}"
        f" hit, less than {_HIT_RATE.text}."
    ),
    panel=dashboards.CACHE_HIT_RATIO,
    limit=_HIT_RATE,
    metrics=(m.CACHE_HIT_RATIO,),
    actions=(actions.REFRESH,),
)

GROUP: Final = RuleGroup(
    name="ops-performance",
    rules=(
        REQUEST_RATE,
        ERROR_RATIO,
        RESPONSE_TIME,
        CACHE_HIT_RATIO,
        ERROR_RATE_CRITICAL,
        ERROR_RATE,
        RESPONSE_TIME_CRITICAL,
        RESPONSE_TIME_HIGH,
        CACHE_HIT_RATE_LOW,
    ),
)
