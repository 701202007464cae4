"""What asking costs the backend, and what the exporter itself takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.catalogue.thresholds import DATA_AGE_MAX
from exporter.mixin.charts import Style, graph
from exporter.mixin.dashboards.exporter.verdicts import AGE, BY, EACH, of_each
from exporter.mixin.panels import row
from exporter.mixin.parts import Query
from exporter.mixin.promql import rate, recent, series, total

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m

_REPLICA: Final = "{{instance}} · {{backend}}"


def of_backend() -> m.RowPanel:
    """Return the row with what the backend has to bear."""
    return row(
        9,
        "Pace: what asking costs the backend",
        graph(
            10,
            "Duration of requests",
            "How long each endpoint took to answer. Slow endpoints can stop the whole backend while"
            " they run; the exporter then asks them alone and less often.",
            of_each(own.ENDPOINT_DURATION),
            unit="s",
            style=Style.LOG,
        ),
        graph(
            11,
            "Pace in force",
            "Time from one request to the next. It grows for slow endpoints, after time-outs and"
            " for what a backend does not offer.",
            of_each(own.ENDPOINT_INTERVAL),
            unit="s",
            style=Style.LOG,
        ),
        graph(
            12,
            "Requests",
            "Requests to the monitoring API, by endpoint; replicas add up. What a backend has to"
            " bear of us.",
            Query(expr=f"60 * {total(rate(own.POLLS), *BY)}", legend=EACH),
            unit="cpm",
            style=Style.BARS,
        ),
        graph(
            13,
            "Failures by reason",
            "Requests without a usable answer. refused and timeout: network or backend;"
            " unauthorized: the token; schema and invalid: the backend changed. Red regions: an"
            " alert fired.",
            Query(
                expr=f"60 * {total(rate(own.ENDPOINT_FAILURES), 'backend', 'reason')}",
                legend="{{reason}} · {{backend}}",
            ),
            unit="cpm",
            style=Style.BARS,
        ),
        graph(
            14,
            "Age of the last usable answer",
            "A saw-tooth that falls at each answer. A line that keeps rising is an endpoint whose"
            f" metrics are gone. Dashed: the slowest pace, {DATA_AGE_MAX.text}. Red regions: an"
            " alert fired.",
            Query(expr=AGE, legend=EACH),
            unit="s",
            limit=DATA_AGE_MAX,
            size=(24, 9),
        ),
    )


def of_exporter() -> m.RowPanel:
    """Return the row with what the exporter has to bear."""
    return row(
        30,
        "Cost: the exporter itself",
        graph(
            31,
            "Memory",
            "Resident memory of the exporter. It is flat after the first minutes; steady growth is"
            " a leak: please report it.",
            Query(expr=series("process_resident_memory_bytes"), legend=_REPLICA),
            unit="bytes",
        ),
        graph(
            32,
            "CPU",
            "Share of one core. It rises with the number of scrapers and targets, hardly with the"
            " number of series.",
            Query(expr=rate("process_cpu_seconds_total"), legend=_REPLICA),
            unit="percentunit",
        ),
        graph(
            33,
            "Open files",
            "Files and sockets that the exporter holds open. It must stay far below the limit.",
            Query(expr=series("process_open_fds"), legend=_REPLICA),
            unit="short",
        ),
        graph(
            34,
            "Time since the configuration was loaded",
            "Falls to zero at each start and each successful reload.",
            Query(expr=f"time() - {recent(own.CONFIG_RELOAD_SUCCESS_TIME)}", legend=_REPLICA),
            unit="s",
        ),
        collapsed=True,
    )
