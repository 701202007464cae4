"""What the banks of a target remember, as arrays, and what of it still holds when it is read."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from exporter.anomaly import Detectors
from exporter.catalogue.watched import WATCHABLE
from exporter.polling.bank import UNSEEN_MAX_S, Bank, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from exporter.catalogue.model import Metric
    from exporter.polling.plan import Key

    Arrays = dict[str, NDArray[Any]]

_FORMAT: Final = "ops-exporter anomalies"
# Another one whenever what is saved means something else: a state of before is not understood.
VERSION: Final = 2
_DETECTORS: Final = "detectors."
_VERSION: Final = _DETECTORS + "version"
_ZSCORE: Final = _DETECTORS + "zscore."


def below(arrays: Arrays, prefix: str) -> Arrays:
    """Return those of *arrays* whose names begin with *prefix*, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def pack(banks: Mapping[Key, Bank], about: Mapping[str, Any]) -> Arrays:
    """Return copies of all that *banks* know, with a header *about* them."""
    saved: list[dict[str, Any]] = []
    arrays: Arrays = {}
    for number, (key, bank) in enumerate(banks.items()):
        series = [[one.metric.name, list(one.labels)] for one in bank.series]
        saved.append({"window": key.window, "series": series})
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
    elif not all(map(isfinite, (header["saved_at"], *header["made_at"].values()))):
        mistake = "a time that never comes"
    elif float(header["saved_at"]) < after:
        mistake = "too old"
    if mistake:
        raise ValueError(mistake)
    return header


def read(
    header: Mapping[str, Any],
    arrays: Arrays,
    new_bank: Callable[[Key], Bank],
    key_of: Callable[[Metric, int], Key],
) -> tuple[dict[Key, Bank], list[Series]]:
    """
    Make banks that go on from what was saved, wherever a series has its place now.

    What the catalogue does not know any more and what had not been seen for long is left out, and
    so are the longest unseen series of which there are more than the limit.

    Args:
        header: What `header_of` found.
        new_bank: Makes an empty one.
        key_of: Tells the place of a metric that was judged in a window of so many samples.

    Returns:
        The banks; and the series that begin anew: they are judged in another unit, and what was
        learnt is of no use.

    Raises:
        ValueError: If series and arrays do not belong together, or are no state.
    """
    at = float(header["saved_at"])
    strangers = 0
    found: dict[Key, list[_Remembered]] = defaultdict(list)
    for number, saved in enumerate(header["banks"]):
        window, names = int(saved["window"]), saved["series"]
        parts = _checked(below(arrays, f"{number}."), window, len(names))
        seen = parts["seen"].tolist()
        for place, name in enumerate(names):
            series = _known(*name)
            strangers += series is None
            if series is not None and at - seen[place] <= UNSEEN_MAX_S:
                one = _Remembered(seen[place], series, window, parts, place)
                found[key_of(series.metric, window)].append(one)
    if strangers and not found:
        message = f"{strangers} series, and none that is known"
        raise ValueError(message)
    banks: dict[Key, Bank] = {}
    begun: list[Series] = []
    for key, remembered in found.items():
        bank = new_bank(key)
        begun += _go_on(bank, _latest(remembered, bank.limit))
        if bank.series:
            banks[key] = bank
    return banks, begun


class _Remembered(NamedTuple):
    """A series, and where the arrays that were saved have it."""

    seen: float
    series: Series
    window: int
    parts: Arrays
    place: int


def _checked(parts: Arrays, window: int, count: int) -> Arrays:
    """Return the *parts* of a bank of *count* series if they are; raise ValueError if not."""
    learnt = Detectors(window=window)
    learnt.restore(below(parts, _DETECTORS))
    if len(learnt) != count:
        message = f"detectors of {len(learnt)} series, not {count}"
        raise ValueError(message)
    bank = Bank({}, window=window, limit=0, by_design=False)
    for name in bank.PARTS:
        empty, part = getattr(bank, name), parts[name]
        if part.shape != (*empty.shape[:-1], count) or part.dtype != empty.dtype:
            message = f"{name}: {part.dtype} {part.shape} of {count} series"
            raise ValueError(message)
    new = Detectors(window=window)
    new.append()
    fresh = {_DETECTORS + name: array for name, array in new.state().items()}
    for name, array in parts.items():
        for odd in (np.isnan, np.isinf):
            # Where a new series has no such number, one that has learnt has none either.
            if odd(array).any() and not (name in fresh and odd(fresh[name]).any()):
                message = f"{name}: a number that is none"
                raise ValueError(message)
    return parts


def _latest(found: Sequence[_Remembered], limit: int) -> list[_Remembered]:
    """Return the last seen of each metric, at most *limit* of them, in the order of *found*."""
    kept: dict[Series, _Remembered] = {}
    counts = Counter[str]()
    for one in sorted(found, key=lambda one: -one.seen):
        if one.series not in kept and counts[one.series.metric.name] < limit:
            counts[one.series.metric.name] += 1
            kept[one.series] = one
    return [one for one in found if kept.get(one.series) is one]


def _go_on(bank: Bank, remembered: Sequence[_Remembered]) -> list[Series]:
    """Let an empty *bank* go on from what is *remembered*; return the series that begin anew."""
    parts = _joined(remembered, bank.detectors.window)
    learnt = Detectors(window=bank.detectors.window)
    learnt.restore(below(parts, _DETECTORS))
    bank.extend([one.series for one in remembered])
    goes_on = bank.detectors.inherit(learnt)
    for name in bank.PARTS:
        getattr(bank, name)[..., goes_on] = parts[name][..., goes_on]
    begun = [bank.series[place] for place in np.flatnonzero(~goes_on).tolist()]
    bank.keep(np.flatnonzero(goes_on).tolist())
    return begun


def _joined(remembered: Sequence[_Remembered], window: int) -> Arrays:
    """Return the parts of one bank of *window* that has all of *remembered*, in their order."""
    joined: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for _, group in groupby(remembered, key=lambda one: id(one.parts)):
        same = list(group)
        parts, places = same[0].parts, [one.place for one in same]
        new = Detectors(window=window)
        new.append(len(same))
        fresh = {_DETECTORS + name: array for name, array in new.state().items()}
        for name, array in parts.items():
            if name == _VERSION:
                continue
            # The window is the z-score's alone, which begins anew with it.
            begins = name.startswith(_ZSCORE) and same[0].window != window
            joined[name].append(fresh[name] if begins else array[..., places])
    arrays = {name: np.concatenate(parts, axis=-1) for name, parts in joined.items()}
    return {_VERSION: remembered[0].parts[_VERSION], **arrays}


def _known(name: str, labels: list[str]) -> Series | None:
    """Return the series of that name, None for a metric that has not these labels now."""
    if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
        message = f"{name}: labels that are no words"
        raise ValueError(message)
    metric = WATCHABLE.get(name)
    if metric is None or len(labels) != len(metric.labels):
        return None
    return Series(metric, tuple(labels))
