"""
How far beyond its records a value lies, as evidence.

Block maxima of any stationary series have an upper tail that is close to exponential. With the k
highest of m block maxima the spacings estimate its scale, and the predictive distribution of the
next maximum, the scale unknown, is

    P(maximum > mark + z * scale) = rank / m * (1 + z / k) ** -k

so that evidence = -log10 of the expected number of such maxima per day: comparable between series
of any unit, shape and sampling rate. Block maxima come from different days, so a burst of values
counts once (declustering).

Sources: Gumbel (1958), Statistics of Extremes; Pickands (1975), Statistical Inference Using
Extreme Order Statistics; Weissman (1978), Estimation of Parameters and Large Quantiles Based on
the k Largest Observations; for streams Siffer et al. (2017), Anomaly Detection in Streams with
Extreme Value Theory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from exporter.anomaly.settings import DAY_S, Settings

if TYPE_CHECKING:
    from exporter.anomaly.arrays import FloatArray, IntArray

LN10: Final = float(np.log(10.0))
# Fewer than two degrees of freedom would make any excess thinkable.
_LEAST_DEGREES: Final = 2
# exp() of more overflows soon; so far out, "more" says nothing more.
_GREATEST_EXPONENT: Final = 300.0
_GREATEST_EXCESS: Final = 1e30


class Tail(NamedTuple):
    """What the block maxima of each view and series say; arrays of shape (rows, n)."""

    mark: FloatArray  # the record that a value has to pass
    scale: FloatArray  # the typical excess, 0 when unknown
    degrees: IntArray  # spacings behind it
    blocks: IntArray  # how many there are
    high: FloatArray  # the highest without the worst block


def fit(maxima: FloatArray, block_s: FloatArray, settings: Settings) -> Tail:
    """
    Fit the tail of each row of block maxima.

    Args:
        maxima: Shape (rows, n, blocks), -inf where there is none, in order of time. It is
            overwritten.
        block_s: Shape (n,), length of the blocks in seconds.
        settings: The constants.
    """
    m = np.isfinite(maxima).sum(-1)
    with np.errstate(all="ignore"):
        worst = _without_worst(maxima, m, block_s, settings)
        ranked = -np.sort(-maxima, axis=-1)
        k = np.clip(m // 2, 1, settings.tail_max)
        column = k[..., None]
        sums = np.cumsum(np.where(np.isfinite(ranked), ranked, 0.0), -1)
        next_column = np.minimum(column, maxima.shape[-1] - 1)
        scale = np.take_along_axis(sums, column - 1, -1)[..., 0] / k
        scale = scale - np.take_along_axis(ranked, next_column, -1)[..., 0]
        scale = np.where(np.isfinite(scale), np.maximum(scale, 0.0), 0.0)
        high = ranked[..., 0]
        mark = np.fmin(worst, high + settings.worst_share * scale)
    return Tail(mark, scale, np.maximum(k, _LEAST_DEGREES), m, high)


def _without_worst(
    maxima: FloatArray, m: IntArray, block_s: FloatArray, settings: Settings
) -> FloatArray:
    """
    Take the worst block out of *maxima* and return it, shape (rows, n).

    One incident may span two blocks, so its neighbour goes too if that is the second worst. Of
    blocks of a day, that pair may be the only weekend seen so far: then not before the third week.
    """
    at = np.argmax(maxima, -1)[..., None]
    worst = np.take_along_axis(maxima, at, -1)
    np.put_along_axis(maxima, at, -np.inf, -1)
    second = np.argmax(maxima, -1)[..., None]
    days = block_s >= settings.last_block_s
    enough = m >= np.where(days, settings.pair_days, settings.pair_blocks)
    pair = (np.abs(at - second) == 1) & enough[..., None]
    value = np.take_along_axis(maxima, second, -1)
    np.put_along_axis(maxima, second, np.where(pair, -np.inf, value), -1)
    out: FloatArray = worst[..., 0]
    return out


def base(m: IntArray, block_s: FloatArray, settings: Settings) -> FloatArray:
    """Evidence of a value that just passes the mark of *m* blocks: -log10 of passes per day."""
    return np.log10(np.maximum(m, 1) * block_s / (DAY_S * settings.rank))


def evidence(z: FloatArray, degrees: FloatArray, base_: FloatArray) -> FloatArray:
    """Evidence of an excess of *z* > 0 scales; all of one shape."""
    return base_ + degrees * np.log1p(np.minimum(z, _GREATEST_EXCESS) / degrees) / LN10


def excess(evidence_: float, degrees: FloatArray, base_: FloatArray) -> FloatArray:
    """Invert `evidence`: scales beyond the mark that make it, at least 0."""
    exponent = (evidence_ - base_) * LN10 / degrees
    return np.maximum(degrees * np.expm1(np.minimum(exponent, _GREATEST_EXPONENT)), 0.0)
