"""The metrics that the exporter and the action service make themselves."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import Kind, Metric
from exporter.catalogue.verdicts import Verdict


def _own(kind: Kind, name: str, help_text: str, *labels: str) -> Metric:
    return Metric(name=name, kind=kind, help=help_text, labels=labels)


def _service(kind: Kind, name: str, help_text: str, *labels: str) -> Metric:
    return Metric(name=name, kind=kind, help=help_text, labels=labels, service=True)


def _anomaly(name: str, help_text: str, *labels: str) -> Metric:
    return Metric(
        name=f"ops_anomaly_{name}",
        kind=Kind.UNKNOWN,
        help=help_text,
        labels=("metric", *labels),
        open_labels=True,
    )


# the exporter's verdict on each endpoint
UP: Final = _own(
    Kind.GAUGE,
    "ops_up",
    "1 when the health endpoint gave a usable answer, also one that says down.",
)
ENDPOINT_SUCCESS: Final = _own(
    Kind.GAUGE,
    "ops_endpoint_success",
    "1 when the last answer was usable (not_applicable and not_offered included), else 0.",
    "endpoint",
)
ENDPOINT_STATUS: Final = Metric(
    name="ops_endpoint_status",
    kind=Kind.GAUGE,
    help="Verdict on the endpoint's last answer: 1 for the one that holds, 0 for the others.",
    labels=("endpoint", "status"),
    states=tuple(Verdict),
)
ENDPOINT_DURATION: Final = _own(
    Kind.GAUGE, "ops_endpoint_duration_seconds", "Duration of the last request.", "endpoint"
)
ENDPOINT_LAST_SUCCESS: Final = _own(
    Kind.GAUGE,
    "ops_endpoint_last_success_timestamp_seconds",
    "Unix time of the last usable answer.",
    "endpoint",
)
ENDPOINT_FAILURES: Final = _own(
    Kind.COUNTER,
    "ops_endpoint_failures_total",
    "Requests that brought no usable answer, by reason.",
    "endpoint",
    "reason",
)
ENDPOINT_UNKNOWN_FIELDS: Final = _own(
    Kind.GAUGE,
    "ops_endpoint_unknown_fields",
    "Fields of the last usable answer that the exporter neither reads nor ignores knowingly.",
    "endpoint",
)
ENDPOINT_MISSING_FIELDS: Final = _own(
    Kind.GAUGE,
    "ops_endpoint_missing_fields",
    "Fields that the last usable answer should have had and lacked, or had with a wrong type.",
    "endpoint",
)
ENDPOINT_INTERVAL: Final = _own(
    Kind.GAUGE,
    "ops_endpoint_interval_seconds",
    "Pace at which the endpoint is asked now; slow and failing ones are asked less often.",
    "endpoint",
)
POLLS: Final = _own(Kind.COUNTER, "ops_polls_total", "Requests to the endpoint.", "endpoint")
RESETS_OBSERVED: Final = _own(
    Kind.COUNTER,
    "ops_resets_observed_total",
    "Answers in which a counter had fallen: a restart, or two backend processes taking turns.",
    "metric",
)
SERIES_DROPPED: Final = _own(
    Kind.COUNTER,
    "ops_series_dropped_total",
    "Series left out of a poll because the metric had more entities than the cardinality limit.",
    "metric",
)
CONFIG_RELOAD_SUCCESSFUL: Final = _own(
    Kind.GAUGE,
    "ops_config_last_reload_successful",
    "1 when the last attempt to load the configuration succeeded, else 0.",
)
CONFIG_RELOAD_SUCCESS_TIME: Final = _own(
    Kind.GAUGE,
    "ops_config_last_reload_success_timestamp_seconds",
    "Unix time at which the configuration in force was loaded.",
)
BUILD_INFO: Final = _own(
    Kind.GAUGE, "ops_build_info", "1, with what is running.", "version", "revision", "python"
)

# anomalies; the labels of the watched metric follow
ANOMALY_ZSCORE: Final = _anomaly(
    "zscore",
    "Distance of the value from the mean of the window before it, in standard deviations.",
)
ANOMALY_SCORE: Final = _anomaly("score", "The detector's own judgement, 0-1.")
ANOMALY_ACTIVE: Final = _anomaly(
    "active", "1 for 10 samples after an anomaly of this kind and level, else 0.", "kind", "level"
)
ANOMALY_EXPECTED: Final = _anomaly("expected", "The value that the detector expected.")
ANOMALY_LOWER: Final = _anomaly("lower", "Lower edge of the band that the detector expected.")
ANOMALY_UPPER: Final = _anomaly("upper", "Upper edge of the band that the detector expected.")
ANOMALY_OUTSIDE: Final = _anomaly(
    "outside", "How many of the last 10 samples were outside of the band expected of each."
)
ANOMALY_READY: Final = _anomaly("ready", "1 when the detector has seen enough to judge, else 0.")
ANOMALY_SAMPLES: Final = _anomaly("samples", "Samples that the detector has seen.")
ANOMALY_STATE_RESTORED: Final = _own(
    Kind.GAUGE,
    "ops_anomaly_state_restored",
    "1 when the detectors went on with the state saved before the start, 0 when they began anew;"
    " absent without a state folder.",
)
ANOMALY_STATE_SAVED: Final = _own(
    Kind.GAUGE,
    "ops_anomaly_state_last_save_timestamp_seconds",
    "Unix time at which the state of the detectors was last saved.",
)

# the action service
ALERT_THRESHOLD: Final = _service(
    Kind.GAUGE, "ops_alert_threshold", "Threshold in force of an alert, in base units.", "alert"
)
ALERT_ENABLED: Final = _service(
    Kind.GAUGE, "ops_alert_enabled", "1 when an alert is switched on, else 0.", "alert"
)
ALERT_ACKNOWLEDGED: Final = Metric(
    name="ops_alert_acknowledged",
    kind=Kind.GAUGE,
    help="1 while an alert is acknowledged.",
    labels=("alertname", "backend"),
    service=True,
    open_labels=True,
)
ACKNOWLEDGEMENTS_OLDEST: Final = _service(
    Kind.GAUGE,
    "ops_acknowledgements_oldest_timestamp_seconds",
    "Unix time of the oldest acknowledgement in force.",
)
ACTIONS: Final = _service(
    Kind.COUNTER, "ops_actions_total", "Actions run, by result.", "action", "result"
)
ACTION_DURATION: Final = _service(
    Kind.HISTOGRAM, "ops_action_duration_seconds", "Duration of an action.", "action"
)
WEBHOOK_NOTIFICATIONS: Final = _service(
    Kind.COUNTER,
    "ops_webhook_notifications_total",
    "Notifications received from Alertmanager, by what became of them.",
    "status",
)
SPARSE_PROGRESS: Final = _service(
    Kind.GAUGE,
    "ops_sparse_embeddings_progress_ratio",
    "Estimated progress of the running generation of sparse embeddings, 0-1.",
)
SPARSE_ETA: Final = _service(
    Kind.GAUGE,
    "ops_sparse_embeddings_eta_seconds",
    "Estimated time until the running generation of sparse embeddings ends.",
)
SPARSE_LAST_SUCCESS: Final = _service(
    Kind.GAUGE,
    "ops_sparse_embeddings_last_success_timestamp_seconds",
    "Unix time at which sparse embeddings were last generated.",
)

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
