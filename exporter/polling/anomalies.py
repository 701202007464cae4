"""Watches the series of one target: what each new answer is judged to be, as metrics."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.catalogue import own_metrics as own
from exporter.catalogue.sample import Sample
from exporter.catalogue.watched import BY_NAME, DIRECTIONS, WATCHABLE, Watched
from exporter.logs import Log
from exporter.polling.bank import Bank, Series
from exporter.polling.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from exporter.catalogue.model import Endpoint, Metric
    from exporter.collectors.reading import Reading
    from exporter.settings import Settings

    # The endpoint that owns the metrics, and the samples of their windows.
    Key = tuple[str, int]
    Arrays = dict[str, NDArray[Any]]

_FORMAT: Final = "ops-exporter anomalies"
# Another one whenever what is saved means something else: a state of before is not understood.
VERSION: Final = 1
# What the configuration says now counts, not what it said when the state was saved.
_CONFIGURED: Final = ("options.direction", "options.floor")

_log = Log(__name__)


def plan(settings: Settings) -> dict[Metric, tuple[Watched, int]]:
    """Return how each metric is judged that *settings* want watched, and its window in samples."""
    anomaly = settings.anomaly
    chosen = {}
    for name, metric in WATCHABLE.items():
        wish = anomaly.watch.get(name)
        watched = BY_NAME.get(name)
        if wish is not None and wish.enabled:
            watched = watched or Watched(metric=metric)
            if wish.direction is not None:
                watched = replace(watched, direction=DIRECTIONS[wish.direction])
            if wish.floor is not None:
                watched = replace(watched, floor=wish.floor)
        elif wish is not None:
            watched = None
        if watched is not None:
            chosen[metric] = watched, (wish and wish.window) or anomaly.window
    return chosen


class Anomalies:
    """
    The detectors of one target.

    Series are kept with the endpoint that owns them, also while a fallback speaks for it: one
    series, one judgement.

    Attributes:
        paused: Answers are not judged now: the detectors still learn from what was before.

    Args:
        target: Its name, for the log.
    """

    def __init__(self, target: str, settings: Settings) -> None:
        self._target = target
        self._plan = plan(settings)
        self._limit = settings.limits.cardinality
        self._by_design = settings.anomaly.mode == "literal"
        self._banks: dict[Key, Bank] = {}
        # Which endpoint told the present values of each bank, and when it says it made its answer.
        self._teller: dict[Key, str] = {}
        self._made_at: dict[str, float] = {}
        self._ledger = Ledger()
        self._broken = False
        self.paused = False

    @property
    def by_metric(self) -> Mapping[Metric, Sequence[Sample]]:
        """What is shown now; a list that did not change stays the same object."""
        return self._ledger.by_metric

    def take(
        self,
        endpoint: Endpoint,
        reading: Reading | None,
        told: Iterable[tuple[Metric, Sequence[Sample]]],
        at: float,
    ) -> None:
        """
        Judge an answer once.

        Args:
            reading: What it told; None after a failure, which is no sample.
            told: The series that *endpoint* speaks for, as they are exposed.
            at: Unix time.
        """
        if self.paused:
            return
        try:
            if reading is None:
                self._show(endpoint.name, {}, at)
            elif self._moved(endpoint.name, reading.made_at):
                self._show(endpoint.name, self._sorted(told), at)
        except Exception:  # noqa: BLE001 - whatever went wrong, values and verdicts must go on
            if not self._broken:
                _log.exception("anomalies", target=self._target, endpoint=endpoint.name)
            self._broken = True

    @property
    def cold(self) -> bool:
        """Whether nothing has been learnt yet."""
        return not self._banks

    def wanted(self) -> dict[Key, list[Metric]]:
        """Return what is to be watched, by the bank that judges it."""
        found: dict[Key, list[Metric]] = defaultdict(list)
        for metric, (_, window) in self._plan.items():
            if metric.owner is not None:
                found[metric.owner.name, window].append(metric)
        return found

    def learn(self, key: Key, at: float, values: Mapping[Series, float]) -> None:
        """Take in what was before the first answer; unix time."""
        self._bank(key).update(at, values)

    def _moved(self, endpoint: str, made_at: float | None) -> bool:
        """Whether an answer is another one than the last: a backend may repeat what it has made."""
        before = self._made_at.pop(endpoint, None)
        if made_at is not None:
            self._made_at[endpoint] = made_at
        return made_at is None or made_at != before

    def _sorted(
        self, told: Iterable[tuple[Metric, Sequence[Sample]]]
    ) -> dict[Key, dict[Series, float]]:
        """Return the watched values by the bank that judges them."""
        values: dict[Key, dict[Series, float]] = defaultdict(dict)
        for metric, samples in told:
            if metric in self._plan and metric.owner is not None:
                found = values[metric.owner.name, self._plan[metric][1]]
                for sample in samples:
                    found[Series(metric, sample.labels)] = sample.value
        return values

    def _show(self, teller: str, values: Mapping[Key, Mapping[Series, float]], at: float) -> None:
        """Judge *values*; what *teller* told before and does not tell any more vanishes."""
        for key in [key for key, name in self._teller.items() if name == teller]:
            if key not in values:
                self._ledger.enter(_name(key), ())
                del self._teller[key]
        for key, found in values.items():
            samples = self._bank(key).update(at, found)
            self._ledger.enter(_name(key), samples)
            self._teller[key] = teller

    def _bank(self, key: Key) -> Bank:
        if key not in self._banks:
            self._banks[key] = self._new_bank(key[1])
        return self._banks[key]

    def _new_bank(self, window: int) -> Bank:
        # What a saved state has and nobody watches any more is kept, and never fed.
        usual = {m: BY_NAME.get(m.name, Watched(metric=m)) for m in WATCHABLE.values()}
        chosen = {metric: watched for metric, (watched, _) in self._plan.items()}
        return Bank(usual | chosen, window=window, limit=self._limit, by_design=self._by_design)

    # --- what survives a restart ---

    def state(self, at: float) -> Arrays:
        """Return copies of everything that is needed to go on, saved at unix time *at*."""
        banks: list[dict[str, Any]] = []
        arrays: Arrays = {}
        for number, ((owner, window), bank) in enumerate(self._banks.items()):
            series = [[one.metric.name, list(one.labels)] for one in bank.series]
            banks.append({"owner": owner, "window": window, "series": series})
            parts = {"left": bank.left, "recent": bank.recent}
            parts |= {f"detectors.{name}": a for name, a in bank.detectors.state().items()}
            arrays |= {f"{number}.{name}": np.array(array) for name, array in parts.items()}
        header = {
            "format": _FORMAT,
            "version": VERSION,
            "target": self._target,
            "saved_at": at,
            "made_at": self._made_at,
            "banks": banks,
        }
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        return arrays

    def restore(self, arrays: Arrays, *, after: float = 0.0) -> None:
        """
        Go on from a state.

        Args:
            after: Unix time; what was saved before is too old.

        Raises:
            ValueError: It is too old, or none of this target and version; nothing has changed.
        """
        try:
            header = json.loads(arrays["header"].tobytes())
            if mistake := self._unfit(header, after):
                raise ValueError(mistake)
            banks = {}
            for number, saved in enumerate(header["banks"]):
                bank = self._new_bank(int(saved["window"]))
                _fill(bank, saved["series"], _parts(arrays, f"{number}."))
                banks[str(saved["owner"]), int(saved["window"])] = bank
            made_at = {str(name): float(at) for name, at in header["made_at"].items()}
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            message = f"not a state: {type(error).__name__}"
            raise ValueError(message) from None
        self._banks, self._made_at = banks, made_at

    def _unfit(self, header: dict[str, Any], after: float) -> str:
        """Return why a state is not for us, if it is not."""
        if header["format"] != _FORMAT or header["target"] != self._target:
            return "not a state of this target"
        if header["version"] != VERSION:
            return f"version {header['version']}, not {VERSION}"
        return "too old" if float(header["saved_at"]) < after else ""

    def note_restored(self, *, restored: bool) -> None:
        """Show whether a saved state was gone on from."""
        self._ledger.enter("restored", [Sample(own.ANOMALY_STATE_RESTORED, (), float(restored))])

    def note_saved(self, at: float) -> None:
        """Show when the state was last saved."""
        self._ledger.enter("saved", [Sample(own.ANOMALY_STATE_SAVED, (), at)])


def _name(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _parts(arrays: Arrays, prefix: str) -> Arrays:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _fill(bank: Bank, series: list[Any], parts: Arrays) -> None:
    """Put the *series* into an empty *bank*, with what was learnt of them."""
    bank.extend([Series(WATCHABLE[name], tuple(map(str, labels))) for name, labels in series])
    left, recent = parts["left"], parts["recent"]
    if left.shape != bank.left.shape or recent.shape != bank.recent.shape:
        message = "more or fewer series than there should be"
        raise ValueError(message)
    saved = _parts(parts, "detectors.")
    fresh = bank.detectors.state()
    saved |= {name: fresh[name] for name in _CONFIGURED}
    bank.detectors.restore(saved)
    bank.left, bank.recent = left.astype(np.int8), recent.astype(np.int16)
