"""The dashboard *Anomalies*: what each watched series is, and what was expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.model import Kind
from exporter.catalogue.rules.anomalies import ACTIVE, OUTSIDE
from exporter.catalogue.thresholds import ANOMALY_SAMPLES_MIN
from exporter.catalogue.verdicts import Tone
from exporter.catalogue.watched import LABELS, WATCHED
from exporter.mixin import bands, frame
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Style, graph
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, field, linked, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import BAD, IDLE, WARN, Query, defaults, override
from exporter.mixin.promql import named, rate, recent, recorded, series, worst
from exporter.mixin.readings import yes_no

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_CHOSEN: Final = 'metric=~"$metric"'
_BY: Final = ("backend", "metric", *LABELS)
_SAME: Final = f"on ({', '.join(_BY)})"
_NAMED: Final = "{{metric}} {{where}} {{backend}}"
_LEVELS: Final = {
    1: (f"{Tone.IDLE.sign} low", IDLE),
    2: (f"{Tone.WARN.sign} medium", WARN),
    3: (f"{Tone.BAD.sign} high", BAD),
}
# So many of the chosen series are drawn beside each other: those that stand out most.
_DRAWN: Final = 10
_UNWATCHED: Final = "○ Nothing is watched yet; it takes a few hours to learn what is usual"
# Of what a rate is judged the rate is shown.
_COUNTERS: Final = tuple(w.metric for w in WATCHED if w.metric.kind is Kind.COUNTER)
# By the end of a metric's name: the unit of its values.
_UNITS: Final = {
    'metric=~".+_seconds"': "s",
    'metric=~".+_ratio"': "percentunit",
    'metric!~".+_(seconds|ratio)"': "short",
}


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    metric = frame.label_choice("metric", series(own.ANOMALY_READY))
    # All of them, by their names: a pattern would also find what is not watched.
    metric.all_value = None
    by = ("metric", "backend", "kind")
    return frame.dashboard(
        dashboards.ANOMALIES,
        links,
        [
            linked(_now(), detail(dashboards.ALERTS), runbook(links)),
            linked(_active(), detail(dashboards.ALERTS), runbook(links)),
            linked(_series(), detail(dashboards.OVERVIEW), runbook(links)),
            _places(),
            _scores(),
            _zscores(),
            _kinds(),
            _readiness(),
        ],
        layers=[
            frame.layer(
                "Anomalies",
                worst(f"{recorded(ACTIVE, _CHOSEN)} and {_SAME}\n{_most(1)}", *by),
                dashboards.ANOMALIES_SERIES.id,
            )
        ],
        variables=[metric],
    )


def _of(metric: Metric) -> str:
    return worst(recent(metric, _CHOSEN), *_BY)


def _most(count: int) -> str:
    """Select the chosen series that stand out most within the shown range."""
    outside, score = (
        worst(f"max_over_time({series(one, _CHOSEN)}[$__range] @ end())", *_BY)
        for one in (own.ANOMALY_OUTSIDE, own.ANOMALY_SCORE)
    )
    # The score, at most 1, decides among those that were outside as often.
    return f"topk({count}, {outside} + {_SAME} {score})"


def _told(expression: str) -> str:
    """Say in one label which of a metric's series it is."""
    labels = ", ".join(f'"{name}"' for name in LABELS)
    joined = f'label_join({expression}, "where", " ", {labels})'
    return f'label_replace({joined}, "where", "$1", "where", " *(.*?) *")'


def _now() -> Panel:
    return cards(
        2,
        "Now",
        "Series of the chosen metrics that have an anomaly now, those of which most recent values"
        " lie outside of their band, those that are judged, and those of which too little was seen"
        " yet. An anomaly is told once, when it begins; one that lasts stays outside.",
        Item(title="with anomaly", expr=f"count({_active_now()} == 1) or vector(0)", limit=1),
        Item(
            title="outside",
            expr=f"count({_of(own.ANOMALY_OUTSIDE)} >= {ANOMALY_SAMPLES_MIN}) or vector(0)",
            limit=1,
        ),
        Item(title="judged", expr=f"count({_of(own.ANOMALY_READY)} == 1) or vector(0)"),
        Item(title="still learning", expr=f"count({_of(own.ANOMALY_READY)} == 0) or vector(0)"),
        size=(24, 4),
    )


def _active_now(*more: str) -> str:
    return worst(recorded(ACTIVE, _CHOSEN), *_BY, *more)


def _active() -> Panel:
    levels = "\nor\n".join(
        f"{place} * ({recorded(ACTIVE, _CHOSEN, level)} == 1)"
        for place, level in enumerate(('level="low"', 'level="medium"', 'level="high"'), 1)
    )
    by = ("backend", "metric", "where", "kind")
    kinds = f"{_active_now('kind')} == 1"

    def beside(expression: str) -> str:
        return worst(_told(f"({kinds}) * {_SAME} group_left () ({expression})"), *by)

    return grid(
        3,
        "Active anomalies",
        "What began within the last ten values. Spike and drop: a value too far off; pattern: a"
        " level, a rhythm or a spread that is new, or a value that is stuck. An alert fires once"
        f" {ANOMALY_SAMPLES_MIN.text} of ten are outside, of a pattern at once. A click shows the"
        " metric alone.",
        Column(title="Level", expr=worst(_told(f"({levels})"), *by), states=_LEVELS, width=105),
        Column(
            title="Metric",
            label="metric",
            lead=detail(dashboards.ANOMALIES, metric=field("Metric")),
            width=330,
        ),
        Column(title="Labels", label="where"),
        Column(title="Kind", label="kind", width=90),
        Column(
            title="Outside of 10",
            expr=beside(recorded(OUTSIDE, _CHOSEN)),
            decimals=0,
            limit=ANOMALY_SAMPLES_MIN,
            width=110,
        ),
        Column(title="Score", expr=beside(_of(own.ANOMALY_SCORE)), decimals=2, width=85),
        Column(title="z-score", expr=beside(_of(own.ANOMALY_ZSCORE)), decimals=1, width=85),
        Column(title="Backend", label="backend", width=85),
        h=6,
        nothing="✔ Nothing that is watched is unusual now",
    )


def _values() -> str:
    """Select the watched values themselves, with the name of their metric as a label."""
    gauges = series("", '__name__=~"$metric"', '__name__!~".+_total"')
    terms = [f'label_replace({gauges}, "metric", "$1", "__name__", "(.*)")']
    terms += [f'label_replace({rate(one)}, "metric", "{one}", "", "")' for one in _COUNTERS]
    return worst("\nor\n".join(terms), *_BY)


def _only(expression: str, matcher: str) -> str:
    return f"({expression})\nand on (metric)\n{series(own.ANOMALY_READY, matcher)}"


def _series() -> Panel:
    shown = _most(1)
    value = f"{_values()}\nand {_SAME}\n{shown}"
    odd = f"{value}\nand {_SAME}\n{_active_now()} == 1"
    expected = {
        name: f"({expr} and {_SAME}\n{shown})" for name, expr in bands.band(_CHOSEN, by=_BY).items()
    }
    drawn = named({**expected, bands.MARKED: f"({odd})"})
    queries = [
        query
        for matcher in _UNITS
        for query in (
            Query(expr=_only(drawn, matcher), legend="{{series}}"),
            Query(expr=_told(f"({_only(value, matcher)})"), legend=_NAMED),
        )
    ]
    panel = graph(
        dashboards.ANOMALIES_SERIES.id,
        dashboards.ANOMALIES_SERIES.title,
        "The one of the chosen series that stood out most within the shown range: choose a metric"
        " above to see its own. Shaded: the band within which a value may lie; dotted: what was"
        " expected; points: an anomaly. The band widens after one, until the new level is learnt.",
        *queries,
        unit="short",
        size=(24, 10),
        calm=True,
    )
    for place, unit in enumerate(_UNITS.values()):
        for name in (chr(ord("A") + 2 * place), chr(ord("B") + 2 * place)):
            override(panel, "byFrameRefID", name, {"unit": unit})
    defaults(panel).no_value = _UNWATCHED
    return bands.draw(panel)


def _places() -> Panel:
    upper, lower = _of(own.ANOMALY_UPPER), _of(own.ANOMALY_LOWER)
    place = f"({_values()} - {_SAME} {lower})\n/ {_SAME} ({upper} - {_SAME} {lower} > 0)"
    return _most_graph(
        10,
        "Place in the expected band",
        f"Where values lie in their band, of the {_DRAWN} chosen series that stood out most within"
        " the shown range: 0 % is its lower edge, 100 % its upper one. What stays above 100 % or"
        " below 0 % is not as usual. Cut at 300 %, whatever the value.",
        f"clamp({place}, -1, 3)",
        unit="percentunit",
    )


def _scores() -> Panel:
    return _most_graph(
        11,
        "Score",
        f"How unusual what is new is, 0 to 1, of the {_DRAWN} chosen series that stood out most."
        " From 0.5 on it is an anomaly; 0.6 comes by chance about once in a year.",
        _of(own.ANOMALY_SCORE),
    )


def _zscores() -> Panel:
    return _most_graph(
        12,
        "z-score",
        f"Distance from the mean of the values before, in standard deviations, of the {_DRAWN}"
        " chosen series that stood out most. It is the rule of the design and gives an anomaly its"
        " level: high from 3 on, medium from 2 on. Cut at 20.",
        f"clamp({_of(own.ANOMALY_ZSCORE)}, -20, 20)",
    )


def _most_graph(panel_id: int, title: str, why: str, expression: str, unit: str = "short") -> Panel:
    shown = f"({expression})\nand {_SAME}\n{_most(_DRAWN)}"
    panel = graph(
        panel_id, title, why, Query(expr=_told(f"({shown})"), legend=_NAMED), unit=unit, calm=True
    )
    settings = defaults(panel)
    settings.min_val = None  # the lower side counts as well
    settings.no_value = _UNWATCHED
    return panel


def _kinds() -> Panel:
    panel = graph(
        13,
        "Active anomalies by kind",
        "How many series have an anomaly, by its kind. Several from the same moment on have one"
        " cause: look at what they stand on, and at what changed then.",
        Query(expr=f"sum by (kind) ({_active_now('kind')}) > 0", legend="{{kind}}"),
        unit="short",
        style=Style.BARS,
        calm=True,
    )
    defaults(panel).no_value = "✔ Nothing that is watched was unusual"
    return panel


def _readiness() -> RowPanel:
    by = ("backend", "metric", "where")

    def of(metric: Metric) -> str:
        return worst(_told(_of(metric)), *by)

    panel = grid(
        20,
        "Watched series",
        "Every watched series of the chosen metrics: whether enough was seen of it to judge, how"
        " many values that were, and what is said of the last one. Learning takes a few hours;"
        " one that never ends: its values do not come.",
        Column(title="Metric", label="metric", width=330),
        Column(title="Labels", label="where"),
        Column(title="Judged", expr=of(own.ANOMALY_READY), states=yes_no("judged", "learning")),
        Column(title="Values seen", expr=of(own.ANOMALY_SAMPLES), decimals=0),
        Column(title="Outside of 10", expr=of(own.ANOMALY_OUTSIDE), limit=ANOMALY_SAMPLES_MIN),
        Column(title="Score", expr=of(own.ANOMALY_SCORE), decimals=2),
        Column(title="z-score", expr=of(own.ANOMALY_ZSCORE), decimals=1),
        Column(title="Backend", label="backend", width=85),
        h=16,
        sort=("Outside of 10", "Score"),
        nothing=_UNWATCHED,
    )
    return row(19, "Readiness: every watched series", panel, collapsed=True)
