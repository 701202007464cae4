"""How fast each model is and how often it fails; its memory and its use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import MODELS_ERRORS
from exporter.catalogue.rules.infrastructure import MODEL_ERRORS_HIGH, MODEL_NOT_LOADED
from exporter.mixin.charts import Style, graph
from exporter.mixin.leads import Lead, detail, linked, runbook
from exporter.mixin.overlays import with_anomalies, with_limit
from exporter.mixin.panels import row, timeline
from exporter.mixin.parts import Query, explained
from exporter.mixin.promql import known, recent, worst
from exporter.mixin.readings import LOADED

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

BY: Final = ("backend", "model")
_EACH: Final = "{{model}} · {{backend}}"
ENDPOINTS: Final = detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS)
_DURATION: Final = worst(recent(m.MODEL_INFERENCE_DURATION), *BY)
_FAILED: Final = worst(recent(m.MODEL_ERROR_RATIO), *BY)
_UNUSED: Final = f"time() - {worst(recent(m.MODEL_LAST_INFERENCE), *BY)}"
NO_MODELS: Final = "○ The backend tells of no models: the endpoint of a deployed one often fails"


def _unusual(metric: Metric) -> Lead:
    return detail(dashboards.ANOMALIES, metric=metric.name)


def section(links: Links) -> RowPanel:
    """Return the row with speed and failures."""
    time = graph(
        10,
        "Inference time",
        "How long an inference takes, by model; ten times as long is one line higher. Points and"
        " violet regions: unusual for this hour. One model: what changed in it or its input; all:"
        " the machine is short of memory or of processors.",
        Query(expr=_DURATION, legend=_EACH),
        unit="s",
        style=Style.LOG,
    )
    failed = graph(
        MODELS_ERRORS.id,
        MODELS_ERRORS.title,
        "Share of inferences that fail, by model. Dashed: the threshold in force. Points and violet"
        " regions: unusual for this hour. Red regions: an alert fired. A step up: the model or its"
        " input changed; the model's own log tells why.",
        Query(expr=_FAILED, legend=_EACH),
        unit="percentunit",
    )
    with_anomalies(time, _DURATION, m.MODEL_INFERENCE_DURATION, "model")
    with_limit(failed, MODEL_ERRORS_HIGH.name, worst(known(m.MODEL_ERROR_RATIO)), "model")
    with_anomalies(failed, _FAILED, m.MODEL_ERROR_RATIO, "model")
    return row(
        9,
        "Inference",
        linked(explained(time, NO_MODELS), _unusual(m.MODEL_INFERENCE_DURATION)),
        linked(
            explained(failed, NO_MODELS),
            runbook(links, MODEL_ERRORS_HIGH),
            _unusual(m.MODEL_ERROR_RATIO),
        ),
    )


def use(links: Links) -> RowPanel:
    """Return the row with load and use."""
    return row(
        19,
        "Load and use",
        linked(
            explained(
                graph(
                    12,
                    "Memory",
                    "Memory of each model. Steady growth is a leak; a fall to nothing: the model"
                    " was unloaded.",
                    Query(expr=worst(recent(m.MODEL_MEMORY), *BY), legend=_EACH),
                    unit="decbytes",
                    size=(8, 8),
                ),
                NO_MODELS,
            ),
            ENDPOINTS,
        ),
        linked(
            explained(
                graph(
                    13,
                    "Time since the last inference",
                    "How long ago each model was last asked. A line that keeps rising is a model"
                    " that nobody uses, or that cannot be reached.",
                    Query(
                        expr=f"clamp_min({_UNUSED}, 0)",
                        legend=_EACH,
                    ),
                    unit="s",
                    size=(8, 8),
                ),
                NO_MODELS,
            ),
            ENDPOINTS,
        ),
        linked(
            explained(
                timeline(
                    14,
                    "Loaded over time",
                    "When each model was loaded. Not loaded after a deployment for more than a few"
                    " minutes: it could not be, see the backend's log. A gap: no usable answer.",
                    Query(expr=worst(recent(m.MODEL_LOADED), *BY), legend=_EACH),
                    LOADED,
                    size=(8, 8),
                ),
                NO_MODELS,
            ),
            runbook(links, MODEL_NOT_LOADED),
        ),
    )
