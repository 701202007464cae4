"""
A cold start that is not quite cold: the detectors learn from the last day that Prometheus saw.

Nothing depends on it. What cannot be had is left out, and the detectors begin with the first
answer as they would have without.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.logs import Log
from exporter.polling.bank import Series
from exporter.polling.history import History, HistoryError, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.catalogue.model import Metric
    from exporter.polling.anomalies import Anomalies
    from exporter.polling.history import Past
    from exporter.polling.plan import Key

    # Values by the place of their moment.
    Values = dict[int, dict[Series, float]]

# A day shows the daily rhythm once; Prometheus answers with at most 11,000 points a series.
_SPAN_S: Final = 86_400.0
_POINTS_MAX: Final = 10_000
# Of asking, and then of learning: answers that come meanwhile are not judged.
_ASKING_MAX_S: Final = 30.0
_LEARNING_MAX_S: Final = 60.0

_log = Log(__name__)


class Warming:
    """
    Feeds the history of one target to its detectors, once.

    Args:
        target: Its name: which of several backends is ours, when Prometheus has several.
        step_s: The pace of a light endpoint.
        wall: Unix time.
    """

    def __init__(
        self,
        target: str,
        anomalies: Anomalies,
        history: History,
        *,
        step_s: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._anomalies = anomalies
        self._history = history
        count = min(round(_SPAN_S / step_s), _POINTS_MAX)
        self._span = Span(end=wall(), step_s=step_s, count=count)
        self._stopped = False

    async def run(self) -> None:
        """Ask and learn; never raises for what Prometheus does."""
        self._anomalies.paused = True
        try:
            found: dict[Key, Values] = {}
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASKING_MAX_S):
                    await self._ask(found)
            # In a thread: a day takes seconds, and scrapes are answered meanwhile.
            learnt = await asyncio.to_thread(self._learn, found)
            _log.info("anomalies warmed", target=self._target, samples=learnt)
        except HistoryError as error:
            _log.warning("anomalies not warmed", target=self._target, detail=str(error))
        finally:
            self._stopped = True
            self._anomalies.paused = False
            await self._history.close()

    async def _ask(self, found: dict[Key, Values]) -> None:
        """Put what Prometheus has of each bank into *found*, by place of the moment."""
        for key, watched in self._anomalies.wanted().items():
            answered = await self._values(own.ENDPOINT_LAST_SUCCESS, f'{{endpoint="{key.owner}"}}')
            fresh = _changes(answered)
            values: Values = defaultdict(dict)
            for metric in watched:
                for past in await self._values(metric):
                    labels = tuple(past.labels.get(name, "") for name in metric.labels)
                    for place in fresh & past.values.keys():
                        values[place][Series(metric, labels)] = past.values[place]
            found[key] = values

    async def _values(self, metric: Metric, matchers: str = "") -> list[Past]:
        """Return the series of *metric* of this target; of replicas, one."""
        names = ", ".join(("backend", *metric.labels))
        query = f"max by ({names}) ({metric}{matchers})"
        series = await self._history.values(query, self._span)
        backends = {past.labels.get("backend", "") for past in series}
        if len(backends) > 1:
            # Whose history is whose, nobody could say.
            series = [past for past in series if past.labels.get("backend") == self._target]
            if not series:
                message = f"several backends, and none is called {self._target}"
                raise HistoryError(message)
        return series

    def _learn(self, found: Mapping[Key, Values]) -> int:
        """Judge the history as if it came in now; return how many samples it had."""
        until, count = time.monotonic() + _LEARNING_MAX_S, 0
        for key, values in found.items():
            for place in sorted(values):
                if self._stopped or time.monotonic() > until:
                    return count
                at = self._span.start + place * self._span.step_s
                self._anomalies.learn(key, at, values[place])
                count += len(values[place])
        return count


def _changes(answered: Sequence[Past]) -> set[int]:
    """Return the places at which there was an answer that had not been there before."""
    places: set[int] = set()
    for past in answered:
        before = None
        for place in sorted(past.values):
            if past.values[place] != before:
                places.add(place)
            before = past.values[place]
    return places
