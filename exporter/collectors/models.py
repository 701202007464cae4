"""ML models: loaded, how fast, how large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.parts import (
    ENVELOPE,
    Amount,
    Flag,
    Many,
    MaybeFlag,
    MaybeText,
    Nested,
    Part,
    Percent,
    audit,
)
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import megabytes, ratio, seconds, unix_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context

# The deployed backend's model-health tells of one model and not its name; its health endpoint
# lists it as this component.
_RECOMMENDER: Final = "ncf_model"
# The deployed backend's health/ml is about the design's third model.
_CLASSIFIER: Final = "classifier"


class _Model(Part):
    loaded: Flag = None
    inference_time_ms: Amount = None
    memory_mb: Amount = None
    error_rate: Percent = None
    last_inference: MaybeText = None  # null before the first one


class _Models(Part):
    models: Many[_Model] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


class _Single(Part):
    """The one model of a deployed backend: a free dict, of which a word for loaded is read."""

    available: MaybeFlag = None
    loaded: MaybeFlag = None
    free: ClassVar[bool] = True


class _Deployed(Part):
    model: Nested[_Single] = None
    ignored: ClassVar[dict[str, str]] = {**ENVELOPE, "http_status": "the status tells it"}


class _Bare(Part):
    ignored: ClassVar[dict[str, str]] = _Deployed.ignored


def read_models(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/model-health``.

        ops_model_loaded{model="embedding"} 1.0
        ops_model_inference_duration_seconds{model="embedding"} 0.031
        ops_model_memory_bytes{model="embedding"} 420000000.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/model-health``
    """
    del context
    if isinstance(payload, dict) and isinstance(payload.get("models"), dict):
        return _designed(payload)
    if isinstance(payload, dict) and isinstance(payload.get("model"), dict):
        return _deployed(payload, _RECOMMENDER)
    message = "expected models, or model"
    raise SchemaError(message)


def read_ml(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/health/ml``, the fallback for ``model-health``.

        ops_model_loaded{model="classifier"} 1.0

    By hand: ``curl -s $OPS_API_URL/api/monitoring/health/ml``
    """
    del context
    if isinstance(payload, dict) and isinstance(payload.get("models"), dict):
        return _designed(payload)
    if isinstance(payload, dict) and isinstance(payload.get("model"), dict):
        return _deployed(payload, _CLASSIFIER)
    if isinstance(payload, dict) and isinstance(payload.get("status"), str):
        reading = Reading(dialect=None)
        audit(_Bare.model_validate(payload), payload, reading)
        return reading
    message = "expected status, models or model"
    raise SchemaError(message)


def _designed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    answer = _Models.model_validate(payload)
    for name, model in (answer.models or {}).items():
        if model is None:
            continue
        reading.add(m.MODEL_LOADED, model.loaded, name)
        reading.add(m.MODEL_INFERENCE_DURATION, seconds(model.inference_time_ms), name)
        reading.add(m.MODEL_MEMORY, megabytes(model.memory_mb), name)
        reading.add(m.MODEL_ERROR_RATIO, ratio(model.error_rate), name)
        moment = unix_time(model.last_inference)
        if moment is None and model.last_inference:
            reading.missing.append("models.*.last_inference")
        reading.add(m.MODEL_LAST_INFERENCE, moment, name)
    audit(answer, payload, reading)
    return reading


def _deployed(payload: dict[str, Any], name: str) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    answer = _Deployed.model_validate(payload)
    if (model := answer.model) is not None:
        loaded = model.loaded if model.loaded is not None else model.available
        if loaded is None and not payload["model"].keys() & _Single.model_fields.keys():
            reading.missing.append("model.available")
        reading.add(m.MODEL_LOADED, loaded, name)
    audit(answer, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {"models": read_models, "ml": read_ml}
