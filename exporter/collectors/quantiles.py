"""
Quantiles of two histograms of the same requests, of which one is coarse and one is not ours alone.

The backend keeps a coarse histogram by handler, from which our own requests can be left out, and a
fine one of all requests together. The coarse one says how many of the others' requests fell between
two of its bounds; within these bounds the fine one says how they lie.
"""

from __future__ import annotations

import math
from itertools import pairwise

Buckets = list[tuple[float, float]]


def quantile(q: float, coarse: Buckets, fine: Buckets) -> float | None:
    """
    Return the *q* quantile in seconds.

    Args:
        q: 0-1.
        coarse: (upper bound in seconds, cumulative count) of the requests that count, sorted.
        fine: The same of all requests; may be empty.

    Returns:
        Linear interpolation within a bucket, as Prometheus's ``histogram_quantile`` does, the
        highest finite bound for what lies above it; None without requests.
    """
    buckets = _refined(coarse, fine)
    total = sum(count for _, _, count in buckets)
    if total <= 0:
        return None
    rank, seen = q * total, 0.0
    for low, high, count in buckets:
        if count > 0 and seen + count >= rank:
            return low if math.isinf(high) else low + (high - low) * (rank - seen) / count
        seen += count
    return buckets[-1][0]


def _refined(coarse: Buckets, fine: Buckets) -> list[tuple[float, float, float]]:
    """Return (low, high, count) of the coarse counts spread as the fine ones lie within them."""
    parts: list[tuple[float, float, float]] = []
    for low, high, count in _single(coarse):
        within = [part for part in _single(fine) if low <= part[0] and part[1] <= high]
        inner = sum(part[2] for part in within)
        covers = within and within[0][0] == low and within[-1][1] == high
        if covers and inner > 0:
            parts += [(a, b, n * count / inner) for a, b, n in within]
        else:
            parts.append((low, high, count))
    return parts


def _single(buckets: Buckets) -> list[tuple[float, float, float]]:
    """Return (low, high, count) of each bucket alone."""
    edges = [(0.0, 0.0), *buckets]
    return [(a[0], b[0], max(0.0, b[1] - a[1])) for a, b in pairwise(edges)]
