"""NVIDIA's perf_analyzer over tasks, sizes, protocols and loads: `python -m perf.analyze`."""
