"""The alert on anomalies: an info or a warning, never more."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue import thresholds as t
from exporter.catalogue.alerting import Alert, Limit, Recording, RuleGroup
from exporter.catalogue.model import Severity
from exporter.catalogue.watched import LABELS

# What a watched series is told apart by; not each has all of these labels. Replicas of one
# exporter judge alike, or nearly: what one of them says is said.
_BY_SERIES: Final = ", ".join(("backend", "metric", *LABELS))
# Only what is active: of nine kinds and levels mostly none is, and a graph of a week would read as
# many zeros for each value that it shows.
ACTIVE: Final = Recording(
    record="series:ops_anomaly_active:max",
    expr=f"""\
max by ({_BY_SERIES}, kind, level) (
  last_over_time({own.ANOMALY_ACTIVE}[{own.ANOMALY_ACTIVE.window}]) == 1
)
""",
)
OUTSIDE: Final = Recording(
    record="series:ops_anomaly_outside:max",
    expr=f"""\
max by ({_BY_SERIES}) (
  last_over_time({own.ANOMALY_OUTSIDE}[{own.ANOMALY_OUTSIDE.window}])
)
""",
)
# How much a series stands out: the score, at most 1, decides among those that are outside as often.
# For the dashboard, which looks through a week of it to draw the ones that stood out most.
ODDNESS: Final = Recording(
    record="series:ops_anomaly_oddness:max",
    expr=f"""\
max by ({_BY_SERIES}) (
    last_over_time({own.ANOMALY_OUTSIDE}[{own.ANOMALY_OUTSIDE.window}])
  + last_over_time({own.ANOMALY_SCORE}[{own.ANOMALY_SCORE.window}])
)
""",
)
_OUTSIDE: Final = Limit("OpsAnomaly", t.ANOMALY_SAMPLES_MIN)


def _anomaly(level: str, severity: Severity, but: str = "") -> Alert:
    """
    Return the rule for anomalies of a *level* (a matcher).

    Its value is how many of the last samples were outside. A spike or a drop must last; a pattern
    (a new level, a stuck value) is seen in many samples to begin with. So neither has to hold.
    """
    outside = f"* ignoring (kind, level) group_left () {OUTSIDE}"
    return Alert(
        name=_OUTSIDE.alert,
        expr=f"""\
max without (level) (
    (
      ({ACTIVE}{{{level}, kind!="pattern"}} == 1)
      {outside}
    )
    {_OUTSIDE.beyond(">=")}
  or
    ({ACTIVE}{{{level}, kind="pattern"}} == 1)
    {outside}
)
{but}""",
        by=("backend", "metric", *LABELS, "kind"),
        severity=severity,
        summary="A watched series does not behave as it usually does.",
        description=(
            "A {{ $labels.kind }} in {{ $labels.metric }} of backend {{ $labels.backend }}:"
            " {{ $value }} of the last 10 samples are outside of the expected band. The series has"
            ' the labels{{ range $name, $value := $labels }} {{ $name }}="{{ $value }}"{{ end }}.'
        ),
        panel=dashboards.ANOMALIES_SERIES,
        limit=_OUTSIDE,
        linked=("backend", "metric"),
    )


_HIGH: Final = 'level="high"'
ANOMALY_HIGH: Final = _anomaly(_HIGH, Severity.WARNING)
# Nobody is woken by these; and not a second time by what is high already.
ANOMALY: Final = _anomaly(
    'level!="high"',
    Severity.INFO,
    but=f"unless\nmax without (level) ({ACTIVE}{{{_HIGH}}} == 1)\n",
)

GROUP: Final = RuleGroup(
    name="ops-anomalies", rules=(ACTIVE, OUTSIDE, ODDNESS, ANOMALY_HIGH, ANOMALY)
)
