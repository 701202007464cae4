"""The default thresholds that alerts judge by and panels draw, each declared once."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.alerting import Threshold

# The operations page's own design.
ERROR_RATIO_MAX: Final = Threshold(value=0.05, unit="ratio")
RESPONSE_TIME_P95_MAX: Final = Threshold(value=0.5, unit="seconds")
QUEUE_LENGTH_MAX: Final = Threshold(value=100)
CACHE_HIT_RATIO_MIN: Final = Threshold(value=0.5, unit="ratio")
POOL_USAGE_MAX: Final = Threshold(value=0.9, unit="ratio")
EVENT_LATENCY_P95_MAX: Final = Threshold(value=0.001, unit="seconds")

# A worker reports every few seconds; minutes of silence are no hiccup.
HEARTBEAT_AGE_MAX: Final = Threshold(value=300, unit="seconds")
# No endpoint is asked less often than this: an older answer means that one was missed.
DATA_AGE_MAX: Final = Threshold(value=300, unit="seconds")

# Of the last 10 samples. One or two may be chance; in a minute and a half at the default pace it
# is not.
ANOMALY_SAMPLES_MIN: Final = Threshold(value=3)
