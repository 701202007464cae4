"""Prometheus exporter and alerting bridge for the JSON monitoring API of a knowledge platform."""

__version__ = "0.1.0"
