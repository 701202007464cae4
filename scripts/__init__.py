"""Programs of the workshop: what a clone runs, and what an installed package does not have."""
