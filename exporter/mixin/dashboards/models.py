"""The dashboard *ML models*: loaded, how fast, how often wrong; and their sparse embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.dashboards import MODELS, MODELS_ERRORS, MODELS_LOADED
from exporter.catalogue.rules.infrastructure import MODEL_ERRORS_HIGH, MODEL_NOT_LOADED
from exporter.catalogue.thresholds import MODEL_ERROR_RATIO_MAX
from exporter.mixin import answers, frame, product_grids
from exporter.mixin.cards import Item, bars, cards
from exporter.mixin.charts import Style, graph
from exporter.mixin.leads import Lead, detail, linked, page, runbook
from exporter.mixin.overlays import with_anomalies, with_limit
from exporter.mixin.panels import list_of_leads, row, text, timeline
from exporter.mixin.parts import GREEN, Query, explained
from exporter.mixin.promql import anomalous, known, recent, service, worst
from exporter.mixin.readings import LOADED
from exporter.mixin.stats import Rising

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_BY: Final = ("backend", "model")
_EACH: Final = "{{model}} · {{backend}}"
_ENDPOINTS: Final = detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS)
_DURATION: Final = worst(recent(m.MODEL_INFERENCE_DURATION), *_BY)
_FAILED: Final = worst(recent(m.MODEL_ERROR_RATIO), *_BY)
_UNUSED: Final = f"time() - {worst(recent(m.MODEL_LAST_INFERENCE), *_BY)}"
_NO_MODELS: Final = "○ The backend tells of no models: the endpoint of a deployed one often fails"
_SERVICE: Final = "see whether the action service runs, and start a generation"


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        MODELS,
        links,
        [*_now(links), _inference(links), _state(links), _embeddings(links)],
        layers=[
            frame.fired("Alerts: failed inferences", MODEL_ERRORS_HIGH),
            _layer("Unusual inference time", m.MODEL_INFERENCE_DURATION, 10),
            _layer("Unusually many failed inferences", m.MODEL_ERROR_RATIO, MODELS_ERRORS.id),
        ],
    )


def _layer(name: str, metric: Metric, panel_id: int) -> AnnotationQuery:
    by = (*_BY, "metric", "kind")
    return frame.layer(name, anomalous(metric, by=by), panel_id, title="{{model}}")


def _unusual(metric: Metric) -> Lead:
    return detail(dashboards.ANOMALIES, metric=metric.name)


def _now(links: Links) -> list[Panel]:
    loaded = worst(known(m.MODEL_LOADED), *_BY)
    return [
        linked(
            cards(
                2,
                "Models now",
                "How many models are loaded and how many are not, the slowest, the one that fails"
                f" most often (coloured from {MODEL_ERROR_RATIO_MAX.text} on), and the memory of"
                " all; with the change within the shown range.",
                Item(title="loaded", expr=f"sum({loaded})", decimals=0, colour=GREEN),
                Item(title="not loaded", expr=f"sum(1 - {loaded})", decimals=0, limit=1),
                Item(
                    title="slowest",
                    expr=f"max({worst(known(m.MODEL_INFERENCE_DURATION), *_BY)})",
                    unit="s",
                ),
                Item(
                    title="fails most",
                    expr=f"max({worst(known(m.MODEL_ERROR_RATIO), *_BY)})",
                    unit="percentunit",
                    decimals=2,
                    limit=MODEL_ERROR_RATIO_MAX.value,
                ),
                Item(
                    title="memory",
                    expr=f"sum({worst(known(m.MODEL_MEMORY), *_BY)})",
                    unit="decbytes",
                    decimals=1,
                ),
                size=(14, 5),
                rising=Rising.NEITHER,
                nothing=_NO_MODELS,
            ),
            runbook(links, MODEL_NOT_LOADED),
        ),
        answers.banner(3, endpoints.MODELS, endpoints.ML, size=(5, 5)),
        text(
            4,
            "Actions",
            "Each opens a page that asks before it acts; only then something changes.",
            list_of_leads(
                *(page(links, r) for r in (actions.GENERATE_SPARSE_EMBEDDINGS, actions.REFRESH))
            ),
            (5, 5),
        ),
        linked(
            product_grids.models(MODELS_LOADED.id, MODELS_LOADED.title, size=(24, 6)),
            runbook(links, MODEL_NOT_LOADED),
            _ENDPOINTS,
        ),
    ]


def _inference(links: Links) -> RowPanel:
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
        linked(explained(time, _NO_MODELS), _unusual(m.MODEL_INFERENCE_DURATION)),
        linked(
            explained(failed, _NO_MODELS),
            runbook(links, MODEL_ERRORS_HIGH),
            _unusual(m.MODEL_ERROR_RATIO),
        ),
    )


def _state(links: Links) -> RowPanel:
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
                    Query(expr=worst(recent(m.MODEL_MEMORY), *_BY), legend=_EACH),
                    unit="decbytes",
                    size=(8, 8),
                ),
                _NO_MODELS,
            ),
            _ENDPOINTS,
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
                _NO_MODELS,
            ),
            _ENDPOINTS,
        ),
        linked(
            explained(
                timeline(
                    14,
                    "Loaded over time",
                    "When each model was loaded. Not loaded after a deployment for more than a few"
                    " minutes: it could not be, see the backend's log. A gap: no usable answer.",
                    Query(expr=worst(recent(m.MODEL_LOADED), *_BY), legend=_EACH),
                    LOADED,
                    size=(8, 8),
                ),
                _NO_MODELS,
            ),
            runbook(links, MODEL_NOT_LOADED),
        ),
    )


def _embeddings(links: Links) -> RowPanel:
    generate = page(links, actions.GENERATE_SPARSE_EMBEDDINGS)
    audit = page(links, actions.AUDIT)
    progress = f"max({service(own.SPARSE_PROGRESS)})"
    return row(
        29,
        "Sparse embeddings",
        linked(
            bars(
                20,
                "Generation that runs",
                "How far the generation of sparse embeddings is: estimated, since the API tells it"
                " only when it has ended. The link above starts one.",
                Item(
                    title="progress (estimated)",
                    expr=progress,
                    unit="percentunit",
                    decimals=0,
                    colour=GREEN,
                    top=1,
                ),
                size=(8, 5),
                nothing="○ No generation runs that the action service knows of",
            ),
            generate,
        ),
        linked(
            cards(
                21,
                "Time remaining and last success",
                "How long the generation that runs will still take, estimated from those before,"
                " and when one last ended well. Long ago: new resources are not found by it.",
                Item(
                    title="remaining (estimated)",
                    expr=f"max({service(own.SPARSE_ETA)})",
                    unit="dtdurations",
                ),
                Item(
                    title="last generated",
                    expr=f"1000 * max({service(own.SPARSE_LAST_SUCCESS)})",
                    unit="dateTimeFromNow",
                ),
                size=(8, 5),
                nothing=f"○ Nothing was generated yet that is known of: {_SERVICE}",
            ),
            generate,
            audit,
        ),
        linked(
            explained(
                graph(
                    22,
                    "Progress over time",
                    "Each slope is a generation; one that ends below 100 % failed or was longer"
                    " than estimated: the audit says which.",
                    Query(expr=progress, legend="progress (estimated)"),
                    unit="percentunit",
                    size=(8, 5),
                    calm=True,
                ),
                f"○ No generation ran within the shown range: {_SERVICE}",
            ),
            generate,
            audit,
        ),
    )
