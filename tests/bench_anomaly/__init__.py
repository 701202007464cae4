"""How well the detector judges, how fast, beside the z-score: `make bench-anomaly`."""
