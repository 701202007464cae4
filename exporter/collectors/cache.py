"""Hit ratio, size and most used keys of the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.labels import key_pattern
from exporter.collectors.parts import (
    ENVELOPE,
    Amount,
    Nested,
    Part,
    Percent,
    Row,
    Share,
    Text,
    audit,
)
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import megabytes, plus, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context


class _Key(Part):
    key: Text = None
    hits: Amount = None
    size_bytes: Amount = None


class _Designed(Part):
    hit_rate: Percent = None
    size_mb: Amount = None
    eviction_rate: Amount = None
    top_keys: Row[_Key] = None
    ignored: ClassVar[dict[str, str]] = {**ENVELOPE, "miss_rate": "1 - ops_cache_hit_ratio"}


class _Stats(Part):
    hit_rate: Share = None
    hits: Amount = None
    misses: Amount = None
    invalidations: Amount = None
    ignored: ClassVar[dict[str, str]] = {
        "hit_rate_percent": "hit_rate has it",
        "total_requests": "hits + misses",
    }


class _Flat(_Stats):
    ignored: ClassVar[dict[str, str]] = {**ENVELOPE, **_Stats.ignored}


class _Deployed(Part):
    cache_stats: Nested[_Stats] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


# What only one dialect has. Both have a hit_rate: in one it is a percentage, in the other a share.
_ONLY_DESIGNED: Final = frozenset(("miss_rate", "size_mb", "eviction_rate", "top_keys"))
_ONLY_DEPLOYED: Final = frozenset(("hits", "misses", "hit_rate_percent", "total_requests"))


def read_cache(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/cache/stats``.

        ops_cache_hit_ratio 0.75
        ops_cache_hits_total 75.0
        ops_cache_size_bytes 12500000.0
        ops_cache_key_hits{key="search:*"} 1200.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/cache/stats``
    """
    if isinstance(payload, dict) and isinstance(payload.get("cache_stats"), dict):
        return _deployed(payload)
    if isinstance(payload, dict) and payload.keys() & _Designed.model_fields.keys():
        if payload.keys() & _ONLY_DEPLOYED and not payload.keys() & _ONLY_DESIGNED:
            return _flat(payload)
        return _designed(payload, context)
    message = "expected cache_stats, or hit_rate, size_mb, eviction_rate, top_keys"
    raise SchemaError(message)


def _designed(payload: dict[str, Any], context: Context) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    cache = _Designed.model_validate(payload)
    reading.add(m.CACHE_HIT_RATIO, ratio(cache.hit_rate))
    reading.add(m.CACHE_SIZE, megabytes(cache.size_mb))
    reading.add(m.CACHE_EVICTIONS, cache.eviction_rate)
    _add_keys(reading, cache, context)
    audit(cache, payload, reading)
    return reading


def _add_keys(reading: Reading, cache: _Designed, context: Context) -> None:
    """Add hits and sizes by key; keys that show the same pattern are summed."""
    hits: dict[str, float | None] = {}
    sizes: dict[str, float | None] = {}
    for row in cache.top_keys or []:
        if row is not None and row.key is not None:
            key = row.key if context.whole_keys else key_pattern(row.key)
            hits[key] = plus(hits.get(key, 0.0), row.hits)
            sizes[key] = plus(sizes.get(key, 0.0), row.size_bytes)
    for key, value in hits.items():
        reading.add(m.CACHE_KEY_HITS, value, key, weight=sizes[key] or 0.0)
    for key, value in sizes.items():
        reading.add(m.CACHE_KEY_SIZE, value, key, weight=value or 0.0)


def _deployed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    cache = _Deployed.model_validate(payload)
    if cache.cache_stats is not None:
        _add_stats(reading, cache.cache_stats)
    audit(cache, payload, reading)
    return reading


def _flat(payload: dict[str, Any]) -> Reading:
    """Read the deployed numbers where nothing is wrapped around them."""
    reading = Reading(dialect=Dialect.DEPLOYED)
    stats = _Flat.model_validate(payload)
    _add_stats(reading, stats)
    audit(stats, payload, reading)
    return reading


def _add_stats(reading: Reading, stats: _Stats) -> None:
    add_lookups(reading, stats.hits, stats.misses, stats.hit_rate)
    reading.add(m.CACHE_INVALIDATIONS, stats.invalidations)


def add_lookups(
    reading: Reading, hits: float | None, misses: float | None, hit_ratio: float | None
) -> None:
    """Add the deployed backend's hits, misses and ratio, which is 0.0 before the first lookup."""
    reading.add(m.CACHE_HITS, hits)
    reading.add(m.CACHE_MISSES, misses)
    if hits or misses or hit_ratio:
        reading.add(m.CACHE_HIT_RATIO, hit_ratio)


READERS: dict[str, Callable[[Any, Context], Reading]] = {"cache": read_cache}
