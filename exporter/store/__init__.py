"""What the action service keeps: SQLite, or PostgreSQL for several replicas."""
