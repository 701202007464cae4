"""Alerts on what the product says of its own health, as a whole and module by module."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import thresholds as t
from exporter.catalogue.alerting import Alert, Limit, RuleGroup
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.expressions import listed, present, recent, state

# The answer of a slow endpoint stands for minutes: this only outlasts a restart of ours.
_HOLD: Final = "1m"
_MODULE: Final = ("backend", "module")

SYSTEM_DOWN: Final = Alert(
    name="OpsSystemDown",
    expr=f"{state(m.SYSTEM_STATUS, 'down')} == 1\n",
    hold=_HOLD,
    severity=Severity.CRITICAL,
    summary="The product says that it is down.",
    description=(
        "Backend {{ $labels.backend }} reports itself down. Modules that are down:"
        f" {listed(m.MODULE_STATUS, 'module', 'down')}."
        f" Components: {listed(m.COMPONENT_STATUS, 'component', 'down')}."
    ),
    panel=dashboards.OVERVIEW_STATUS,
    actions=(actions.REFRESH,),
)
SYSTEM_DEGRADED: Final = Alert(
    name="OpsSystemDegraded",
    # Also while it is down, which hides it: both end together, and people are told of the end.
    expr=f"{state(m.SYSTEM_STATUS, 'degraded|down')} == 1\n",
    hold=_HOLD,
    severity=Severity.WARNING,
    summary="The product says that it is degraded.",
    description=(
        "Backend {{ $labels.backend }} reports itself degraded. Modules that are degraded or down:"
        f" {listed(m.MODULE_STATUS, 'module', 'degraded|down')}."
        f" Components: {listed(m.COMPONENT_STATUS, 'component', 'degraded|down')}."
    ),
    panel=dashboards.OVERVIEW_STATUS,
    actions=(actions.REFRESH,),
)
MODULE_DOWN: Final = Alert(
    name="OpsModuleDown",
    expr=f"{state(m.MODULE_STATUS, 'down', by=('module',))} == 1\n",
    by=_MODULE,
    hold=_HOLD,
    severity=Severity.WARNING,
    summary="A module is down.",
    description="Module {{ $labels.module }} of backend {{ $labels.backend }} reports itself down.",
    panel=dashboards.MODULE_STATUS,
    actions=(actions.REFRESH,),
)
MODULE_DEGRADED: Final = Alert(
    name="OpsModuleDegraded",
    expr=f"{state(m.MODULE_STATUS, 'degraded', by=('module',))} == 1\n",
    by=_MODULE,
    hold=_HOLD,
    severity=Severity.INFO,
    summary="A module is degraded.",
    description=(
        "Module {{ $labels.module }} of backend {{ $labels.backend }} reports itself degraded."
    ),
    panel=dashboards.MODULE_STATUS,
    actions=(actions.REFRESH,),
)
_SLOW: Final = Limit("OpsModuleSlow", t.MODULE_RESPONSE_TIME_MAX)
MODULE_SLOW: Final = Alert(
    name=_SLOW.alert,
    expr=f"{present(m.MODULE_RESPONSE_TIME, by=('module',))}\n{_SLOW.beyond('>')}\n",
    by=_MODULE,
    hold="2m",
    keep="2m",
    severity=Severity.INFO,
    summary="A module answers slowly.",
    description=(
        f"Module {{{{ $labels.module }}}} of backend {{{{ $labels.backend }}}} took"
        f" {_SLOW.value_text} to answer, more than {_SLOW.text}."
    ),
    panel=dashboards.MODULE_RESPONSE_TIME,
    limit=_SLOW,
    metrics=(m.MODULE_RESPONSE_TIME,),
)
_ERRORS: Final = Limit("OpsModuleErrors", t.MODULE_NEW_ERRORS_MAX)
MODULE_ERRORS: Final = Alert(
    name=_ERRORS.alert,
    # The API counts the errors of the last 24 h: how many are new, not how many there are. Each
    # replica for itself: two may ask two processes of the backend, which count apart.
    expr=f"""\
max by (backend, module) (
  {recent(m.MODULE_ERRORS)}
  - min_over_time({m.MODULE_ERRORS}[1h])
)
{_ERRORS.beyond(">")}
""",
    by=_MODULE,
    hold="1m",
    keep="2m",
    severity=Severity.WARNING,
    summary="A module makes errors.",
    description=(
        f"Module {{{{ $labels.module }}}} of backend {{{{ $labels.backend }}}} counted"
        f" {_ERRORS.value_text} new errors within an hour, more than {_ERRORS.text}."
    ),
    panel=dashboards.MODULE_ERRORS,
    limit=_ERRORS,
    metrics=(m.MODULE_ERRORS,),
)

GROUP: Final = RuleGroup(
    name="ops-health",
    rules=(
        SYSTEM_DOWN,
        SYSTEM_DEGRADED,
        MODULE_DOWN,
        MODULE_DEGRADED,
        MODULE_SLOW,
        MODULE_ERRORS,
    ),
)
