"""State as named arrays whose last axis is the series: saved, grown, reset and dropped alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.anomaly.arrays import AnyArray, IntArray


class Store:
    """
    A part of the detector.

    Every public attribute that is an array has the series as its last axis, and what is public is
    all that a part remembers: names that begin with an underscore are scratch, made anew by
    `prepare`.
    """

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """
        Name the arrays that are used as indices, with their least and greatest value.

        A state that holds others is refused before it can do harm.
        """
        return {}

    def prepare(self) -> None:
        """Make the scratch arrays that fit the number of series."""

    def arrays(self, prefix: str = "") -> Iterator[tuple[str, AnyArray]]:
        """Yield names and arrays of this part and of its parts; they share memory with it."""
        for start, part in self.parts(prefix):
            for name, value in vars(part).items():
                if isinstance(value, np.ndarray) and not name.startswith("_"):
                    yield start + name, value

    def parts(self, prefix: str = "") -> Iterator[tuple[str, Store]]:
        """Yield all parts of this part and itself, each with the start of its names."""
        for name, value in vars(self).items():
            if isinstance(value, Store) and not name.startswith("_"):
                yield from value.parts(f"{prefix}{name}.")
        yield prefix, self

    def reset(self, series: IntArray, fresh: Self) -> None:
        """Give *series* (indices) the state of *fresh*, a new part of one series."""
        for (_, mine), (_, new) in zip(self.arrays(), fresh.arrays(), strict=True):
            mine[..., series] = new[..., :1]
        self._prepare()

    def take(self, series: IntArray, other: Self) -> None:
        """Give *series* (indices) the state that they have in *other*, of as many series."""
        for (_, mine), (_, theirs) in zip(self.arrays(), other.arrays(), strict=True):
            mine[..., series] = theirs[..., series]
        self._prepare()

    def extend(self, other: Self) -> None:
        """Put the series of *other* behind those of this part."""
        self._replace(
            {
                name: np.concatenate([mine, new], axis=-1)
                for (name, mine), (_, new) in zip(self.arrays(), other.arrays(), strict=True)
            }
        )

    def keep(self, series: IntArray) -> None:
        """Keep *series* (indices), in that order, and forget all others."""
        self._replace(
            {name: np.ascontiguousarray(mine[..., series]) for name, mine in self.arrays()}
        )

    def restore(self, state: Mapping[str, AnyArray]) -> None:
        """
        Take over the arrays of *state*, with as many series as they hold.

        Raises:
            ValueError: If names, shapes, types or indices are not those of this part; nothing has
                been changed then.
        """
        mine = dict(self.arrays())
        if missing := sorted(mine.keys() ^ state.keys()):
            message = f"state: {missing[0]}: not in both"
            raise ValueError(message)
        counts = {np.shape(array)[-1:] for array in state.values()}
        if len(counts) != 1:
            message = f"state: arrays of different numbers of series: {sorted(counts)}"
            raise ValueError(message)
        for name, array in mine.items():
            found = state[name]
            if found.dtype != array.dtype or found.shape[:-1] != array.shape[:-1]:
                message = f"state: {name}: {found.dtype} {found.shape}, not {array.dtype}"
                raise ValueError(message)
        for start, part in self.parts():
            for name, (least, greatest) in part.limits().items():
                found = state[start + name]
                if found.size and not least <= int(found.min()) <= int(found.max()) <= greatest:
                    message = f"state: {start}{name}: not all from {least} to {greatest}"
                    raise ValueError(message)
        self._replace({name: np.array(state[name], order="C") for name in mine})

    def _replace(self, arrays: Mapping[str, AnyArray]) -> None:
        for start, part in self.parts():
            for name, value in list(vars(part).items()):
                if isinstance(value, np.ndarray) and not name.startswith("_"):
                    setattr(part, name, arrays[start + name])
        self._prepare()

    def _prepare(self) -> None:
        for _, part in self.parts():
            part.prepare()
