"""Overall status, modules and components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.parts import (
    ENVELOPE,
    OPTIONAL,
    Amount,
    Many,
    Part,
    Text,
    audit,
)
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import health_state, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context


# Ingestion's health owns the state of this one; two endpoints would contradict each other.
_OF_INGESTION: Final = "qdrant"


class _Module(Part):
    status: Text = None
    response_time_ms: Amount = None
    error_count: Amount = None


class _Designed(Part):
    status: Text = None
    modules: Many[_Module] = None
    ignored: ClassVar[dict[str, str]] = {"timestamp": ENVELOPE["timestamp"]}


class _Component(Part):
    """A component or registered module: a free dict of which only the status is promised."""

    status: Text = None
    free: ClassVar[bool] = True
    ignored: ClassVar[dict[str, str]] = {
        "message": "holds host names and stack text",
        "error": "free text",
        "worker_count": "workers has it",
    }


class _Deployed(Part):
    status: Text = None
    components: Many[_Component] = None
    modules: Annotated[Many[_Component], OPTIONAL] = None
    ignored: ClassVar[dict[str, str]] = {k: v for k, v in ENVELOPE.items() if k != "status"}


def read_health(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/health``.

        ops_system_status{status="healthy"} 1.0
        ops_component_status{component="redis",status="down"} 1.0
        ops_module_status{module="search",status="degraded"} 1.0
        ops_module_response_time_seconds{module="search"} 0.12
        ops_module_errors{module="search"} 3.0

    By hand: ``curl -s $OPS_API_URL/api/monitoring/health``
    """
    del context
    if not isinstance(payload, dict) or not payload.keys() & {"status", "modules", "components"}:
        message = "expected an object with status, modules or components"
        raise SchemaError(message)
    if "components" in payload:
        return _deployed(payload)
    return _designed(payload)


def _designed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    health = _Designed.model_validate(payload)
    reading.add_states(m.SYSTEM_STATUS, health_state(health.status))
    for name, module in (health.modules or {}).items():
        if module is not None:
            reading.add_states(m.MODULE_STATUS, health_state(module.status), name)
            reading.add(m.MODULE_RESPONSE_TIME, seconds(module.response_time_ms), name)
            reading.add(m.MODULE_ERRORS, module.error_count, name)
    audit(health, payload, reading)
    return reading


def _deployed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    health = _Deployed.model_validate(payload)
    reading.add_states(m.SYSTEM_STATUS, health_state(health.status))
    for name, component in (health.components or {}).items():
        if name == _OF_INGESTION:
            reading.ignored[f"components.{name}"] = "ingestion has it"
        elif component is not None:
            reading.add_states(m.COMPONENT_STATUS, health_state(component.status), name)
    for name, module in (health.modules or {}).items():
        if module is not None:
            reading.add_states(m.MODULE_STATUS, health_state(module.status), name)
    audit(health, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {"health": read_health}
