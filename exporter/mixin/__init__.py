"""Renders what the catalogue declares: rules, Alertmanager's configuration, dashboards, tables."""
