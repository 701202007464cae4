"""The dashboard *ML models*: loaded, how fast, how often wrong; and their sparse embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import actions, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import MODELS, MODELS_ERRORS, MODELS_LOADED
from exporter.catalogue.rules.infrastructure import MODEL_ERRORS_HIGH, MODEL_NOT_LOADED
from exporter.catalogue.thresholds import MODEL_ERROR_RATIO_MAX
from exporter.mixin import answers, frame, product_grids
from exporter.mixin.cards import Item, cards
from exporter.mixin.dashboards.models import embeddings, inference
from exporter.mixin.leads import linked, page, runbook
from exporter.mixin.panels import list_of_leads, text
from exporter.mixin.parts import GREEN
from exporter.mixin.promql import anomalous, known, worst
from exporter.mixin.stats import Rising

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel

    from exporter.catalogue.model import Metric
    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        MODELS,
        links,
        [*_now(links), inference.section(links), inference.use(links), embeddings.section(links)],
        layers=[
            frame.fired("Alerts: failed inferences", MODEL_ERRORS_HIGH),
            _layer("Unusual inference time", m.MODEL_INFERENCE_DURATION, 10),
            _layer("Unusually many failed inferences", m.MODEL_ERROR_RATIO, MODELS_ERRORS.id),
        ],
    )


def _layer(name: str, metric: Metric, panel_id: int) -> AnnotationQuery:
    by = (*inference.BY, "metric", "kind")
    return frame.layer(name, anomalous(metric, by=by), panel_id, title="{{model}}")


def _now(links: Links) -> list[Panel]:
    loaded = worst(known(m.MODEL_LOADED), *inference.BY)
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
                    expr=f"max({worst(known(m.MODEL_INFERENCE_DURATION), *inference.BY)})",
                    unit="s",
                ),
                Item(
                    title="fails most",
                    expr=f"max({worst(known(m.MODEL_ERROR_RATIO), *inference.BY)})",
                    unit="percentunit",
                    decimals=2,
                    limit=MODEL_ERROR_RATIO_MAX.value,
                ),
                Item(
                    title="memory",
                    expr=f"sum({worst(known(m.MODEL_MEMORY), *inference.BY)})",
                    unit="decbytes",
                    decimals=1,
                ),
                size=(14, 5),
                rising=Rising.NEITHER,
                nothing=inference.NO_MODELS,
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
            inference.ENDPOINTS,
        ),
    ]
