"""What it takes to serve a load on A100s: `python -m perf.plan`."""
