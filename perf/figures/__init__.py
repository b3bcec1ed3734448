"""Plots of measurements, for the README and the report."""
