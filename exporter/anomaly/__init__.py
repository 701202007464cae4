"""
Anomaly detection for many series, one value at a time: NumPy only, no I/O, no clock.

    from exporter.anomaly import Detector

    detector = Detector()
    result = detector.update(timestamp, value)  # result.flag, .kind, .score, .zscore, ...

`Detectors` does the same for n series in one step. docs/anomalies.md tells how it judges. NumPy
takes a while to import: commands import this package when they need it, not before.
"""

from __future__ import annotations

from exporter.anomaly.detector import Detector
from exporter.anomaly.detectors import Detectors
from exporter.anomaly.judgement import LEVELS, Judgement, Result
from exporter.anomaly.rates import AUTO, COUNTER, GAUGE
from exporter.anomaly.rows import KINDS
from exporter.anomaly.settings import DEFAULT, DEFAULT_THRESHOLD, Settings

__all__ = [
    "AUTO",
    "COUNTER",
    "DEFAULT",
    "DEFAULT_THRESHOLD",
    "GAUGE",
    "KINDS",
    "LEVELS",
    "Detector",
    "Detectors",
    "Judgement",
    "Result",
    "Settings",
]
