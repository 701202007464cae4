"""One module for each dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards as identities
from exporter.mixin.dashboards import (
    alerts,
    anomalies,
    cache,
    database,
    engagement,
    events,
    exporter,
    ingestion,
    models,
    module,
    overview,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.catalogue.dashboards import Dashboard
    from exporter.links import Links

DASHBOARDS: Final[Mapping[Dashboard, Callable[[Links], str]]] = {
    identities.OVERVIEW: overview.render,
    identities.MODULE: module.render,
    identities.DATABASE: database.render,
    identities.EVENTS: events.render,
    identities.CACHE: cache.render,
    identities.INGESTION: ingestion.render,
    identities.MODELS: models.render,
    identities.ENGAGEMENT: engagement.render,
    identities.ALERTS: alerts.render,
    identities.ANOMALIES: anomalies.render,
    identities.EXPORTER: exporter.render,
}
