"""``make bench``: what a scrape, a change, a start and a poll cost, beside the goals."""
