"""Quality of the recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.parts import ENVELOPE, Amount, Many, Part, Percent, Share, audit
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context


class _Model(Part):
    precision: Share = None
    recall: Share = None
    f1_score: Share = None


class _Designed(Part):
    accuracy: Percent = None
    click_through_rate: Percent = None
    avg_user_rating: Amount = None
    model_performance: Many[_Model] = None


class _Deployed(Part):
    ignored: ClassVar[dict[str, str]] = {
        **ENVELOPE,
        "time_window_days": "what was asked for",
        "metrics": "of no documented shape; the deployed backend has the feature switched off",
    }


def read_recommendations(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/recommendation-quality?time_range=24h&time_window_days=7``.

        ops_recommendation_accuracy_ratio 0.87
        ops_recommendation_precision_ratio{model="classifier"} 0.91

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/recommendation-quality``
    """  # noqa: E501 - a command that can be pasted
    del context
    if isinstance(payload, dict) and isinstance(payload.get("metrics"), dict):
        reading = Reading(dialect=Dialect.DEPLOYED)
        audit(_Deployed.model_validate(payload), payload, reading)
        return reading
    if not isinstance(payload, dict) or not payload.keys() & _Designed.model_fields.keys():
        message = "expected accuracy, click_through_rate, avg_user_rating, model_performance"
        raise SchemaError(message)
    reading = Reading(dialect=Dialect.DESIGNED)
    quality = _Designed.model_validate(payload)
    reading.add(m.RECOMMENDATION_ACCURACY, ratio(quality.accuracy))
    reading.add(m.RECOMMENDATION_CLICK_THROUGH, ratio(quality.click_through_rate))
    reading.add(m.RECOMMENDATION_RATING, quality.avg_user_rating)
    for name, model in (quality.model_performance or {}).items():
        if model is not None:
            reading.add(m.RECOMMENDATION_PRECISION, model.precision, name)
            reading.add(m.RECOMMENDATION_RECALL, model.recall, name)
            reading.add(m.RECOMMENDATION_F1, model.f1_score, name)
    audit(quality, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {"recommendations": read_recommendations}
