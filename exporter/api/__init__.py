"""Talk to the monitoring API: one request, one verdict."""
