"""What the action service exposes of itself and of what people have set, as a page."""

from __future__ import annotations

import platform
import re
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from exporter import __version__
from exporter.catalogue import own_metrics as own
from exporter.catalogue.actions import ROUTES
from exporter.catalogue.sample import Sample
from exporter.exposition import Families, Page
from exporter.service.webhook import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.catalogue.model import Metric
    from exporter.exposition import Rendered
    from exporter.service.sparse import SparseState
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.preferences import InForce

# Seconds. An action has done its work in a second, or waits for its deadline, a minute at most;
# sparse embeddings take from minutes to two hours.
BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
# The words of exporter.actions.State that a run can end with.
RESULTS: Final = ("done", "refused", "failed", "unknown")
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Prometheus itself knows no limit; more than this is no label of an alert of ours.
_LABEL_MAX: Final = 256


class Metrics:
    """Counts what happens in this process, and shows what the database says of all."""

    def __init__(self, *, revision: str = "") -> None:
        self._families: dict[Metric, Sequence[Sample]] = {}
        self._version = 0
        self._actions: dict[tuple[str, str], int] = {
            (route.slug, result): 0 for route in ROUTES if route.acts for result in RESULTS
        }
        self._durations: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._notifications = dict.fromkeys(STATUSES, 0)
        self._page = Page(lambda: Families(self._version, self._families), process=True)
        build = (__version__, revision, platform.python_version())
        self._set(own.BUILD_INFO, [Sample(own.BUILD_INFO, build, 1.0)])
        self._show_actions()
        self._show_notifications()

    def render(self, accept: str, accept_encoding: str) -> Rendered:
        """Return the page as the two headers ask for it."""
        return self._page.get(accept, accept_encoding)

    def acted(self, action: str, result: str, seconds: float) -> None:
        """
        Count a run.

        Args:
            action: Slug of the action.
            result: done, refused, failed or unknown.
            seconds: How long it took.
        """
        key = (action, result)
        self._actions[key] = self._actions.get(key, 0) + 1
        counts = self._durations.setdefault(action, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[action] = self._seconds.get(action, 0.0) + seconds
        self._show_actions()

    def notified(self, status: str) -> None:
        """Count a notification of Alertmanager, by what became of it (`webhook.STATUSES`)."""
        self._notifications[status] = self._notifications.get(status, 0) + 1
        self._show_notifications()

    def sparse(self, state: SparseState) -> None:
        """Show how far sparse embeddings have come; what is not known is absent."""
        self._one(own.SPARSE_PROGRESS, state.progress)
        self._one(own.SPARSE_ETA, state.eta_s)
        self._one(own.SPARSE_LAST_SUCCESS, state.last_success_at)

    def in_force(self, alerts: Mapping[str, InForce]) -> None:
        """Show threshold and switch of each alert."""
        self._set(
            own.ALERT_THRESHOLD,
            [
                Sample(own.ALERT_THRESHOLD, (name,), one.threshold)
                for name, one in alerts.items()
                if one.threshold is not None
            ],
        )
        self._set(
            own.ALERT_ENABLED,
            [
                Sample(own.ALERT_ENABLED, (name,), float(one.enabled))
                for name, one in alerts.items()
            ],
        )

    def acknowledged(self, active: Iterable[Acknowledgement]) -> None:
        """Show what is acknowledged; a dismissal is none."""
        found = [one for one in active if one.kind == "acknowledge"]
        # Two of them may differ in what is not shown.
        series = dict.fromkeys((one.alertname, one.backend, _further(one.labels)) for one in found)
        self._set(own.ALERT_ACKNOWLEDGED, [_acknowledged(*one) for one in series])
        self._one(own.ACKNOWLEDGEMENTS_OLDEST, min((one.at for one in found), default=None))

    def _show_actions(self) -> None:
        self._set(
            own.ACTIONS,
            [Sample(own.ACTIONS, key, float(count)) for key, count in self._actions.items()],
        )
        spent = own.ACTION_DURATION
        series = []
        for action, counts in self._durations.items():
            totals = list(accumulate(counts))
            bounds = (*map(repr, BUCKETS), "+Inf")
            series += [
                Sample(spent, (action, le), float(total), names=("le",), suffix="_bucket")
                for le, total in zip(bounds, totals, strict=True)
            ]
            series.append(Sample(spent, (action,), self._seconds[action], suffix="_sum"))
            series.append(Sample(spent, (action,), float(totals[-1]), suffix="_count"))
        self._set(spent, series)

    def _show_notifications(self) -> None:
        metric = own.WEBHOOK_NOTIFICATIONS
        counts = self._notifications.items()
        self._set(metric, [Sample(metric, (status,), float(count)) for status, count in counts])

    def _one(self, metric: Metric, value: float | None) -> None:
        self._set(metric, [] if value is None else [Sample(metric, (), value)])

    def _set(self, metric: Metric, samples: Sequence[Sample]) -> None:
        if samples != self._families.get(metric):
            self._families = {**self._families, metric: samples}
            self._version += 1


def _further(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the labels that an acknowledgement has beside the metric's own."""
    return tuple(
        (name, value[:_LABEL_MAX])
        for name, value in sorted(labels.items())
        if value
        and name not in own.ALERT_ACKNOWLEDGED.labels
        and _LABEL.fullmatch(name)
        and not name.startswith("__")
    )


def _acknowledged(alertname: str, backend: str, further: tuple[tuple[str, str], ...]) -> Sample:
    values = (alertname, backend, *(value for _, value in further))
    names = tuple(name for name, _ in further)
    return Sample(own.ALERT_ACKNOWLEDGED, values, 1.0, names=names)
