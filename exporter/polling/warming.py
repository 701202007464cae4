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
from exporter.polling.history import AwayError, History, HistoryError, Span

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
_ASKING_MAX_S: Final = 30.0
_LEARNING_MAX_S: Final = 60.0
# It may start a little later than the exporter: how long to wait before it is asked again.
_WAITS_S: Final = (5.0, 15.0, 30.0, 60.0)

_log = Log(__name__)


class Warming:
    """
    Feeds the history of one target to its detectors, once.

    They judge what is answered meanwhile by the little that they know, and again in the end: what
    was learnt comes to them whole or not at all.

    Args:
        target: Its name: which of several backends is ours, when Prometheus has several.
        step_s: The pace of a light endpoint.
        wall: Unix time.
        waits_s: How long to wait before a Prometheus that is not there is asked again, each time.
    """

    def __init__(
        self,
        target: str,
        anomalies: Anomalies,
        history: History,
        *,
        step_s: float,
        wall: Callable[[], float] = time.time,
        waits_s: Sequence[float] = _WAITS_S,
    ) -> None:
        self._target = target
        self._anomalies = anomalies
        self._history = history
        self._waits_s = waits_s
        # What is answered from now on, the detectors remember themselves.
        self._student = anomalies.student()
        count = min(round(_SPAN_S / step_s), _POINTS_MAX)
        self._span = Span(end=wall(), step_s=step_s, count=count)
        # By endpoint: at which places it had answered.
        self._answered: dict[str, set[int]] = {}
        # By metric, why it could not be had.
        self._missing: dict[str, str] = {}
        self._stopped = False

    async def run(self) -> None:
        """Ask and learn; whoever cancels it leaves the detectors waiting for another one."""
        try:
            count = 0
            try:
                found = await self._asked()
                # In a thread: a day takes seconds, and scrapes are answered meanwhile.
                count = await asyncio.to_thread(self._learn, found)
                self._anomalies.adopt(self._student)
            # Values come first: whatever Prometheus tells, the detectors begin without it.
            except Exception as error:  # noqa: BLE001
                self._anomalies.give_up()
                detail = str(error) if isinstance(error, HistoryError) else type(error).__name__
                _log.warning("anomalies not warmed", target=self._target, detail=detail)
            else:
                self._report(count)
        finally:
            self._stopped = True
            await self._history.close()

    def _report(self, count: int) -> None:
        missing, reasons = ", ".join(self._missing), [*self._missing.values(), ""]
        if not missing:
            _log.info("anomalies warmed", target=self._target, samples=count)
        elif not count:
            _log.warning("anomalies not warmed", target=self._target, detail=reasons[0])
        else:
            _log.warning(
                "anomalies warmed in part",
                target=self._target,
                samples=count,
                missing=missing,
                detail=reasons[0],
            )

    async def _asked(self) -> dict[Key, Values]:
        """
        Return what Prometheus has of each bank; wait for one that is not there yet.

        Raises:
            AwayError: It never was.
        """
        for number, wait_s in enumerate(self._waits_s):
            try:
                return await self._ask()
            except AwayError as error:
                if number == 0:
                    left_s = sum(self._waits_s)
                    _log.info(
                        "anomalies wait for Prometheus",
                        target=self._target,
                        detail=str(error),
                        at_most_s=left_s,
                    )
            await asyncio.sleep(wait_s)
        return await self._ask()

    async def _ask(self) -> dict[Key, Values]:
        """Return what Prometheus has of each bank, by place of the moment."""
        found: dict[Key, Values] = defaultdict(lambda: defaultdict(dict))
        asking = {m: k for k, watched in self._student.wanted().items() for m in watched}
        self._missing = {metric.name: "no time left to ask" for metric in asking}
        with suppress(TimeoutError):
            async with asyncio.timeout(_ASKING_MAX_S):
                for metric, key in asking.items():
                    try:
                        await self._ask_for(metric, key, found[key])
                        del self._missing[metric.name]
                    except AwayError:
                        raise
                    except HistoryError as error:
                        self._missing[metric.name] = str(error)
        return found

    async def _ask_for(self, metric: Metric, key: Key, values: Values) -> None:
        """Put what Prometheus has of *metric* into the *values* of its bank."""
        fresh = await self._fresh(key.owner)
        if not fresh and key.fallback:
            fresh = await self._fresh(key.fallback)
        for past in await self._values(metric) if fresh else ():
            labels = tuple(past.labels.get(name, "") for name in metric.labels)
            for place in fresh & past.values.keys():
                values[place][Series(metric, labels)] = past.values[place]

    async def _fresh(self, endpoint: str) -> set[int]:
        """Return the places at which *endpoint* had given an answer."""
        if endpoint not in self._answered:
            matchers = f'{{endpoint="{endpoint}"}}'
            answered = await self._values(own.ENDPOINT_LAST_SUCCESS, matchers)
            self._answered[endpoint] = _changes(answered)
        return self._answered[endpoint]

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
                self._student.learn(key, at, values[place])
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
