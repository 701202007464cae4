"""Watches the series of one target: what each new answer is judged to be, as metrics."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from exporter.catalogue import own_metrics as own
from exporter.catalogue.sample import Sample
from exporter.catalogue.watched import BY_NAME, WATCHABLE, Watched
from exporter.logs import Log
from exporter.polling import memory
from exporter.polling.bank import Bank, Series
from exporter.polling.ledger import Ledger
from exporter.polling.plan import key_of, plan
from exporter.polling.stamps import Stamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from exporter.catalogue.model import Endpoint, Metric
    from exporter.collectors.reading import Reading
    from exporter.polling.plan import Key
    from exporter.settings import Settings

    Arrays = dict[str, NDArray[Any]]

_log = Log(__name__)


class Anomalies:
    """
    The detectors of one target.

    Series stay in their bank, whether the endpoint that owns them tells them or its fallback: one
    series, one judgement. Nobody else tells series of that bank, so each answer is one update.

    Attributes:
        paused: Answers are not judged now: the detectors still learn from what was before.

    Args:
        target: Its name, for the log.
    """

    def __init__(self, target: str, settings: Settings) -> None:
        self._target = target
        self._plan = plan(settings)
        # What a saved state has and nobody watches any more is kept for some days, and never fed.
        self._judged = {m: BY_NAME.get(m.name, Watched(metric=m)) for m in WATCHABLE.values()}
        self._judged |= {metric: watched for metric, (watched, _) in self._plan.items()}
        self._limit = settings.limits.cardinality
        self._by_design = settings.anomaly.mode == "literal"
        self._banks: dict[Key, Bank] = {}
        # Which endpoint told the present values of each bank, and what was last said of its own.
        self._teller: dict[Key, str] = {}
        self._said: dict[str, dict[Key, list[Sample]]] = {}
        self._stamps = Stamps()
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
        values: dict[Key, dict[Series, float]] = {}
        try:
            if reading is not None:
                values = self._sorted(told)
            moved = reading is not None and self._stamps.moved(endpoint.name, reading.made_at)
            self._judge(endpoint.name, values, at, moved=moved)
        except Exception:  # noqa: BLE001 - whatever went wrong, values and verdicts must go on
            if not self._broken:
                _log.exception("anomalies", target=self._target, endpoint=endpoint.name)
            self._broken = True
            # Half an update is neither before nor after: what it was of begins anew.
            for key in values:
                self._banks.pop(key, None)
            self._said.pop(endpoint.name, None)
            self._judge(endpoint.name, {}, at, moved=False)

    @property
    def cold(self) -> bool:
        """Whether nothing has been learnt yet."""
        return not self._banks

    def wanted(self) -> dict[Key, list[Metric]]:
        """Return what is to be watched, by the bank that judges it."""
        found: dict[Key, list[Metric]] = defaultdict(list)
        for metric in self._plan:
            if key := self._key(metric):
                found[key].append(metric)
        return found

    def learn(self, key: Key, at: float, values: Mapping[Series, float]) -> None:
        """Take in what was before the first answer; unix time."""
        self._bank(key).update(at, values)

    def _sorted(
        self, told: Iterable[tuple[Metric, Sequence[Sample]]]
    ) -> dict[Key, dict[Series, float]]:
        """Return the watched values by the bank that judges them."""
        values: dict[Key, dict[Series, float]] = defaultdict(dict)
        for metric, samples in told:
            if key := self._key(metric):
                found = values[key]
                for sample in samples:
                    found[Series(metric, sample.labels)] = sample.value
        return values

    def _judge(
        self, teller: str, values: Mapping[Key, Mapping[Series, float]], at: float, *, moved: bool
    ) -> None:
        """
        Show what is to be said of *values*; of what *teller* does not tell any more, nothing.

        Args:
            moved: They are new; of those that are not, the same is said as before.
        """
        if moved:
            self._said[teller] = {
                key: list(self._bank(key).update(at, found)) for key, found in values.items()
            }
        said = self._said.get(teller, {})
        for key in [key for key, name in self._teller.items() if name == teller]:
            if key not in values:
                self._ledger.enter(_name(key), ())
                del self._teller[key]
        for key in values:
            if key in said:
                self._ledger.enter(_name(key), said[key])
                self._teller[key] = teller

    def _bank(self, key: Key) -> Bank:
        if key not in self._banks:
            self._banks[key] = self._new_bank(key)
        return self._banks[key]

    def _new_bank(self, key: Key) -> Bank:
        return Bank(self._judged, window=key.window, limit=self._limit, by_design=self._by_design)

    # --- what survives a restart ---

    def state(self, at: float) -> Arrays:
        """Return copies of everything that is needed to go on, saved at unix time *at*."""
        about = {
            "target": self._target,
            "saved_at": at,
            "literal": self._by_design,
            "made_at": self._stamps.made_at,
        }
        return memory.pack(self._banks, about)

    def restore(self, arrays: Arrays, *, after: float = 0.0) -> None:
        """
        Go on from a state.

        Series that are judged in another unit than when it was saved begin anew, for what was
        learnt is of no use; the log says which. Another side or floor holds at once; with another
        window only the z-score begins anew.

        Args:
            after: Unix time; what was saved before is too old.

        Raises:
            ValueError: It is too old, or none of this target and version; nothing has changed.
        """
        try:
            header = memory.header_of(arrays, self._target, after)
            # Who nobody watches now stays as it was, for some days.
            banks, begun = memory.read(
                header,
                arrays,
                self._new_bank,
                lambda metric, window: self._key(metric) or key_of(metric, window),
            )
            stamps = Stamps({name: float(at) for name, at in header["made_at"].items()})
        except ValueError:
            raise
        # Any other mistake in what was saved ends no more than this.
        except Exception as error:  # noqa: BLE001
            message = f"not a state: {type(error).__name__}"
            raise ValueError(message) from None
        if header["literal"] != self._by_design:
            for bank in banks.values():
                # Active by the other rule.
                bank.left[:] = 0
        self._banks, self._stamps = banks, stamps
        if begun:
            metrics = ", ".join(sorted({one.metric.name for one in begun}))
            _log.info(
                "anomalies begin anew: judged otherwise than before",
                target=self._target,
                series=len(begun),
                metrics=metrics,
            )

    def _key(self, metric: Metric) -> Key | None:
        """Return the bank that judges *metric*; None when nobody watches it."""
        return key_of(metric, self._plan[metric][1]) if metric in self._plan else None

    def note_restored(self, *, restored: bool) -> None:
        """Show whether a saved state was gone on from."""
        self._ledger.enter("restored", [Sample(own.ANOMALY_STATE_RESTORED, (), float(restored))])

    def note_saved(self, at: float) -> None:
        """Show when the state was last saved."""
        self._ledger.enter("saved", [Sample(own.ANOMALY_STATE_SAVED, (), at)])


def _name(key: Key) -> str:
    return " ".join(map(str, key))
