"""The dashboard: which panels there are, and how they are drawn from Prometheus's data without anything installed."""
