"""Measurements. Each module is a command, `python -m perf.NAME`, that prints a table and writes out/perf/NAME.json."""
