"""What the banks of a target remember, as arrays, and what of it still holds when it is read."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.anomaly import Detectors
from exporter.catalogue.watched import WATCHABLE
from exporter.polling.bank import UNSEEN_MAX_S, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from exporter.catalogue.model import Metric
    from exporter.polling.bank import Bank

    Arrays = dict[str, NDArray[Any]]

_FORMAT: Final = "ops-exporter anomalies"
# Another one whenever what is saved means something else: a state of before is not understood.
VERSION: Final = 2
_DETECTORS: Final = "detectors."


def below(arrays: Arrays, prefix: str) -> Arrays:
    """Return those of *arrays* whose names begin with *prefix*, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def pack(banks: Mapping[tuple[str, int], Bank], about: Mapping[str, Any]) -> Arrays:
    """Return copies of all that *banks*, by owner and window, know, with a header *about* them."""
    saved: list[dict[str, Any]] = []
    arrays: Arrays = {}
    for number, ((owner, window), bank) in enumerate(banks.items()):
        series = [[one.metric.name, list(one.labels)] for one in bank.series]
        saved.append({"owner": owner, "window": window, "series": series})
        parts = {name: getattr(bank, name).copy() for name in bank.PARTS}
        parts |= {_DETECTORS + name: array for name, array in bank.detectors.state().items()}
        arrays |= {f"{number}.{name}": array for name, array in parts.items()}
    header = {"format": _FORMAT, "version": VERSION, **about, "banks": saved}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    return arrays


def header_of(arrays: Arrays, target: str, after: float) -> dict[str, Any]:
    """
    Return the header that `pack` made.

    Raises:
        ValueError: It is of another program, version or target, or was saved before *after*.
    """
    header: dict[str, Any] = json.loads(arrays["header"].tobytes())
    mistake = ""
    if header["format"] != _FORMAT or header["target"] != target:
        mistake = "not a state of this target"
    elif header["version"] != VERSION:
        mistake = f"version {header['version']}, not {VERSION}"
    elif float(header["saved_at"]) < after:
        mistake = "too old"
    if mistake:
        raise ValueError(mistake)
    return header


def read(
    bank: Bank, series: Sequence[Any], parts: Arrays, *, at: float, mine: AbstractSet[Metric]
) -> list[Series]:
    """
    Let an empty *bank* go on from what was saved.

    What the catalogue does not know any more and what had not been seen for long is left out, and
    so are the longest unseen series of which there are more than the limit.

    Args:
        series: As the header names them.
        parts: What is known of them.
        at: Unix time at which that was saved.
        mine: The metrics whose place the bank still is.

    Returns:
        The series that begin anew: the bank is not their place any more, or judges them in another
        unit, and what was learnt is of no use.

    Raises:
        ValueError: If series and parts do not belong together, or are no state.
    """
    learnt = Detectors(window=bank.detectors.window)
    learnt.restore(below(parts, _DETECTORS))
    for name in bank.PARTS:
        empty, part = getattr(bank, name), parts[name]
        if part.shape != (*empty.shape[:-1], len(series)) or part.dtype != empty.dtype:
            message = f"{name}: {part.dtype} {part.shape} of {len(series)} series"
            raise ValueError(message)
    if len(learnt) != len(series):
        message = f"detectors of {len(learnt)} series, not {len(series)}"
        raise ValueError(message)
    found = [_known(*one) for one in series]
    seen = parts["seen"].tolist()
    begun: list[Series] = []
    places: list[int] = []
    counts = Counter[str]()
    for place in sorted(range(len(found)), key=lambda place: -seen[place]):
        one = found[place]
        if one is None or at - seen[place] > UNSEEN_MAX_S:
            continue
        counts[one.metric.name] += 1
        if one.metric not in mine:
            begun.append(one)
        elif counts[one.metric.name] <= bank.limit:
            places.append(place)
    places.sort()
    learnt.keep(places)
    bank.extend([one for place in places if (one := found[place])])
    goes_on = bank.detectors.inherit(learnt)
    for name in bank.PARTS:
        array = getattr(bank, name)
        array[..., goes_on] = parts[name][..., np.array(places, np.int64)[goes_on]]
    begun += [bank.series[place] for place in np.flatnonzero(~goes_on).tolist()]
    bank.keep(np.flatnonzero(goes_on).tolist())
    return begun


def _known(name: str, labels: Sequence[Any]) -> Series | None:
    metric = WATCHABLE.get(name)
    if metric is None or len(labels) != len(metric.labels):
        return None
    return Series(metric, tuple(map(str, labels)))
