"""Darkroom beside LitServe, BentoML and Ray Serve: `python -m perf.peers`."""
