"""Connection pool, query performance and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.parts import (
    ENVELOPE,
    Amount,
    Flag,
    Many,
    MaybeAmount,
    Nested,
    Part,
    audit,
)
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import health_state, megabytes, ratio, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context


# Percent, over 100 with an unlimited overflow: of all values that one must not go absent.
_PoolUsage = Amount


class _DesignedPool(Part):
    active: Amount = None
    idle: Amount = None
    max: Amount = None
    utilization: _PoolUsage = None


class _DeployedPool(Part):
    checked_out: Amount = None
    checked_in: Amount = None
    total_capacity: Amount = None
    pool_usage_percent: _PoolUsage = None
    # A pool that cannot be asked is {"error": …}: a fault of the database, no other shape.
    excuse: ClassVar[str] = "error"
    ignored: ClassVar[dict[str, str]] = {
        "database_type": "a fact of the installation",
        "size": "part of total_capacity",
        "max_overflow": "part of total_capacity",
        "overflow": "negative until the pool is full",
        "connections_available": "total_capacity - checked_out",
        "max_connections": "a fixed 60, not this pool's",
        "utilization_percent": "of a fixed capacity of 60, not this pool's",
        "error": "free text",
    }


class _Queries(Part):
    avg_query_time_ms: Amount = None
    slow_queries: Amount = None
    slowest_query_ms: MaybeAmount = None


class _Table(Part):
    row_count: Amount = None
    size_mb: Amount = None


class _Designed(Part):
    connection_pool: Nested[_DesignedPool] = None
    query_performance: Nested[_Queries] = None
    table_stats: Many[_Table] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


_DESIGNED: Final = frozenset(_Designed.model_fields)


class _Database(Part):
    healthy: Flag = None
    ignored: ClassVar[dict[str, str]] = {
        "type": "a fact of the installation",
        "health_message": "free text",
    }


class _Deployed(Part):
    database: Nested[_Database] = None
    connection_pool: Nested[_DeployedPool] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


class _DesignedPoolAnswer(Part):
    connection_pool: Nested[_DesignedPool] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


class _PlainPoolAnswer(_DesignedPool):
    ignored: ClassVar[dict[str, str]] = ENVELOPE


class _DeployedPoolAnswer(Part):
    pool: Nested[_DeployedPool] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


def read_database(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/database``.

        ops_database_connections{state="active"} 4.0
        ops_database_query_duration_seconds 0.0042
        ops_database_table_size_bytes{table="resources"} 84000000.0
        ops_database_up 1.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/database``
    """
    del context
    if isinstance(payload, dict) and (_object(payload, "database") or payload.keys() & _DESIGNED):
        return _deployed(payload) if _is_deployed(payload) else _designed(payload)
    message = "expected database, or connection_pool, query_performance, table_stats"
    raise SchemaError(message)


def _designed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    database = _Designed.model_validate(payload)
    _add_designed_pool(reading, database.connection_pool)
    if (queries := database.query_performance) is not None:
        reading.add(m.DATABASE_QUERY_DURATION, seconds(queries.avg_query_time_ms))
        reading.add(m.DATABASE_SLOWEST_QUERY, seconds(queries.slowest_query_ms))
        reading.add(m.DATABASE_SLOW_QUERIES, queries.slow_queries)
    for name, table in (database.table_stats or {}).items():
        if table is not None:
            size = megabytes(table.size_mb)
            reading.add(m.DATABASE_TABLE_ROWS, table.row_count, name, weight=size or 0.0)
            reading.add(m.DATABASE_TABLE_SIZE, size, name, weight=size or 0.0)
    audit(database, payload, reading)
    return reading


def _deployed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    answer = _Deployed.model_validate(payload)
    # With the database down the pool still looks fine; only these two fields tell.
    healthy = answer.database.healthy if answer.database is not None else None
    status = payload.get("status")
    if healthy is None and isinstance(status, str) and health_state(status) == "down":
        healthy = False
    reading.add(m.DATABASE_UP, healthy)
    _add_deployed_pool(reading, answer.connection_pool)
    audit(answer, payload, reading)
    return reading


def read_pool(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/db/pool``; the design gives it no shape of its own.

        ops_database_connections{state="idle"} 1.0
        ops_database_connections_max 15.0
        ops_database_pool_usage_ratio 0.0667

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/db/pool``
    """
    del context
    if isinstance(payload, dict) and isinstance(payload.get("pool"), dict):
        reading = Reading(dialect=Dialect.DEPLOYED)
        deployed = _DeployedPoolAnswer.model_validate(payload)
        _add_deployed_pool(reading, deployed.pool)
        audit(deployed, payload, reading)
        return reading
    reading = Reading(dialect=Dialect.DESIGNED)
    if isinstance(payload, dict) and isinstance(payload.get("connection_pool"), dict):
        wrapped = _DesignedPoolAnswer.model_validate(payload)
        _add_designed_pool(reading, wrapped.connection_pool)
        audit(wrapped, payload, reading)
        return reading
    if isinstance(payload, dict) and payload.keys() & _DesignedPool.model_fields.keys():
        plain = _PlainPoolAnswer.model_validate(payload)
        _add_designed_pool(reading, plain)
        audit(plain, payload, reading)
        return reading
    message = "expected pool, connection_pool, or active, idle, max, utilization"
    raise SchemaError(message)


def _is_deployed(payload: dict[str, Any]) -> bool:
    """Judge by the names of the fields: an envelope may come with either dialect, or be lost."""
    pool = _object(payload, "connection_pool").keys()
    if pool & _DeployedPool.model_fields.keys():
        return True
    if pool & _DesignedPool.model_fields.keys():
        return False
    if "healthy" in _object(payload, "database"):
        return True
    if payload.keys() & (_DESIGNED - {"connection_pool"}):
        return False
    return bool(_object(payload, "database")) or "status" in payload or _DeployedPool.excuse in pool


def _object(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}


def _add_designed_pool(reading: Reading, pool: _DesignedPool | None) -> None:
    if pool is not None:
        reading.add(m.DATABASE_CONNECTIONS, pool.active, "active")
        reading.add(m.DATABASE_CONNECTIONS, pool.idle, "idle")
        reading.add(m.DATABASE_CONNECTIONS_MAX, pool.max)
        reading.add(m.DATABASE_POOL_USAGE, ratio(pool.utilization))


def _add_deployed_pool(reading: Reading, pool: _DeployedPool | None) -> None:
    if pool is not None:
        reading.add(m.DATABASE_CONNECTIONS, pool.checked_out, "active")
        reading.add(m.DATABASE_CONNECTIONS, pool.checked_in, "idle")
        reading.add(m.DATABASE_CONNECTIONS_MAX, pool.total_capacity)
        reading.add(m.DATABASE_POOL_USAGE, ratio(pool.pool_usage_percent))


READERS: dict[str, Callable[[Any, Context], Reading]] = {
    "database": read_database,
    "pool": read_pool,
}
