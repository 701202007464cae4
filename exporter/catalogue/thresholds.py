"""The default thresholds that alerts judge by and panels draw, each declared once."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.alerting import Threshold

# The operations page's own design.
ERROR_RATIO_MAX: Final = Threshold(value=0.05, unit="ratio")
RESPONSE_TIME_P95_MAX: Final = Threshold(value=0.5, unit="seconds")
QUEUE_LENGTH_MAX: Final = Threshold(value=100)
CACHE_HIT_RATIO_MIN: Final = Threshold(value=0.5, unit="ratio")

# A module is asked for its own health: what the design allows the whole API is long for that.
MODULE_RESPONSE_TIME_MAX: Final = Threshold(value=0.5, unit="seconds")
# Within an hour. A module that is well has a handful in a day.
MODULE_NEW_ERRORS_MAX: Final = Threshold(value=10)
POOL_USAGE_MAX: Final = Threshold(value=0.9, unit="ratio")
# Over 100 ms, in the API's own window.
SLOW_QUERIES_MAX: Final = Threshold(value=20)
# Within 10 minutes. A single one is retried by its handler, or was a restart.
EVENT_FAILURES_MAX: Final = Threshold(value=5)
EVENT_LATENCY_P95_MAX: Final = Threshold(value=0.001, unit="seconds")
MODEL_ERROR_RATIO_MAX: Final = Threshold(value=0.05, unit="ratio")
# Of the jobs that started within the last hour. A repository that is gone fails twice by retry.
FAILED_JOBS_MAX: Final = Threshold(value=2)
# Where many run, some always fail: fewer than this share is as usual.
FAILED_JOBS_SHARE_MIN: Final = Threshold(value=0.25, unit="ratio")
# The largest repositories take half of that.
JOB_DURATION_MAX: Final = Threshold(value=3600, unit="seconds")
# A worker reports every few seconds; minutes of silence are no hiccup.
HEARTBEAT_AGE_MAX: Final = Threshold(value=300, unit="seconds")
# No endpoint is asked less often than this: an older answer means that one was missed.
DATA_AGE_MAX: Final = Threshold(value=300, unit="seconds")

# Of the last 10 samples. One or two may be chance; in a minute and a half at the default pace it
# is not.
ANOMALY_SAMPLES_MIN: Final = Threshold(value=3)

# Less traffic than this, in requests per second, is none to judge a ratio by: one request that
# fails among a few is a large share of them.
TRAFFIC_MIN: Final = Threshold(value=0.1)
# Likewise of cache lookups, within 10 minutes.
LOOKUPS_MIN: Final = Threshold(value=100)
