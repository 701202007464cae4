"""Watches the series of one target: what each new answer is judged to be, as metrics."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue import own_metrics as own
from exporter.catalogue.sample import Sample
from exporter.logs import Log
from exporter.polling import memory
from exporter.polling.bank import Bank
from exporter.polling.ledger import Ledger
from exporter.polling.plan import Places
from exporter.polling.stamps import Stamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from exporter.catalogue.model import Endpoint, Metric
    from exporter.collectors.reading import Reading
    from exporter.polling.bank import Series
    from exporter.polling.plan import Key
    from exporter.settings import Settings

    Arrays = dict[str, NDArray[Any]]

# Some minutes of all endpoints: as long as Prometheus is waited for.
_MEANWHILE_MAX: Final = 1000

_log = Log(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """
    What an endpoint told.

    Attributes:
        values: By the bank that judges them; none after a failure.
        moved: They are new; of those that are not, the same is said as before.
    """

    teller: str
    values: Mapping[Key, Mapping[Series, float]]
    at: float
    moved: bool


class Anomalies:
    """
    The detectors of one target.

    Series stay in their bank, whether the endpoint that owns them tells them or its fallback: one
    series, one judgement. Nobody else tells series of that bank, so each answer is one update.

    Args:
        target: Its name, for the log.
    """

    def __init__(self, target: str, settings: Settings) -> None:
        self._target = target
        self._settings = settings
        self._places = Places(settings)
        self._limit = settings.limits.cardinality
        self._by_design = settings.anomaly.mode == "literal"
        self._banks: dict[Key, Bank] = {}
        # Which endpoint told the present values of each bank, and what was last said of its own.
        self._teller: dict[Key, str] = {}
        self._said: dict[str, dict[Key, list[Sample]]] = {}
        self._stamps = Stamps()
        self._ledger = Ledger()
        self._broken = False
        # What was answered while somebody else learns what was before, oldest first.
        self._meanwhile: deque[_Answer] | None = None

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
        answer = _Answer(teller=endpoint.name, values={}, at=at, moved=False)
        try:
            if reading is not None:
                moved = self._stamps.moved(endpoint.name, reading.made_at)
                answer = replace(answer, values=self._places.sort(told), moved=moved)
            if self._meanwhile is not None:
                self._meanwhile.append(answer)
            self._judge(answer)
        except Exception:  # noqa: BLE001 - whatever went wrong, values and verdicts must go on
            if not self._broken:
                _log.exception("anomalies", target=self._target, endpoint=endpoint.name)
            self._broken = True
            # Half an update is neither before nor after: what it was of begins anew.
            for key in answer.values:
                self._banks.pop(key, None)
            self._said.pop(endpoint.name, None)
            self._judge(replace(answer, values={}, moved=False))

    @property
    def cold(self) -> bool:
        """Whether nothing has been learnt yet."""
        return not self._banks

    def wanted(self) -> dict[Key, list[Metric]]:
        """Return what is to be watched, by the bank that judges it."""
        return self._places.wanted()

    def learn(self, key: Key, at: float, values: Mapping[Series, float]) -> None:
        """Take in what was before the first answer; unix time."""
        self._bank(key).update(at, values)

    def _judge(self, answer: _Answer) -> None:
        """Show what is to be said of an answer; of what its teller tells no longer, nothing."""
        teller, values = answer.teller, answer.values
        if answer.moved:
            self._said[teller] = {
                key: list(self._bank(key).update(answer.at, found)) for key, found in values.items()
            }
        said = self._said.get(teller, {})
        for key in [key for key, name in self._teller.items() if name == teller]:
            if key not in values:
                self._ledger.enter(key.name, ())
                del self._teller[key]
        for key in values:
            if key in said:
                self._ledger.enter(key.name, said[key])
                self._teller[key] = teller

    def _bank(self, key: Key) -> Bank:
        if key not in self._banks:
            self._banks[key] = self._new_bank(key)
        return self._banks[key]

    def _new_bank(self, key: Key) -> Bank:
        return Bank(
            self._places.judged, window=key.window, limit=self._limit, by_design=self._by_design
        )

    # --- what was before the first answer ---

    @property
    def warming(self) -> bool:
        """Whether somebody is learning what was before: what is known here is not all."""
        return self._meanwhile is not None

    def student(self) -> Anomalies:
        """Return who is to learn what was before, and remember the answers from now on."""
        self._meanwhile = deque(maxlen=_MEANWHILE_MAX)
        return Anomalies(self._target, self._settings)

    def adopt(self, student: Anomalies) -> None:
        """Go on with what *student* has learnt, and judge the answers since then by it."""
        answers = self._meanwhile or ()
        self.give_up()
        if not student.cold:
            self._banks = student._banks
            for answer in answers:
                self._judge(answer)

    def give_up(self) -> None:
        """Go on with what is known here."""
        self._meanwhile = None

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

    def succeed(self, other: Anomalies, at: float) -> None:
        """
        Go on where *other* is, which has watched the same backend until now, unix time.

        Raises:
            ValueError: What it knows is of no use here; nothing has changed.
        """
        self.restore(other.state(at))
        if self._by_design is not other._by_design:
            return
        keys = self.wanted().keys()
        for teller, said in other._said.items():
            self._said[teller] = {key: said[key] for key in said.keys() & keys}
        for key, teller in other._teller.items():
            if key in self._said.get(teller, {}):
                self._teller[key] = teller
                self._ledger.enter(key.name, self._said[teller][key])

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
            banks, begun = memory.read(header, arrays, self._new_bank, self._places.place)
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

    def note_restored(self, *, restored: bool) -> None:
        """Show whether a saved state was gone on from."""
        self._ledger.enter("restored", [Sample(own.ANOMALY_STATE_RESTORED, (), float(restored))])

    def note_saved(self, at: float) -> None:
        """Show when the state was last saved."""
        self._ledger.enter("saved", [Sample(own.ANOMALY_STATE_SAVED, (), at)])
