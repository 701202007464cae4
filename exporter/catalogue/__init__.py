"""What exists: metrics, thresholds, alerts, dashboards and actions, each declared once.

Standard library only, no I/O, so that everything else may import it.
"""
