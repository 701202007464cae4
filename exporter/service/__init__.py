"""The action service: pages, webhook receiver and JSON API of what people may do."""
