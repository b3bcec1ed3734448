"""Stable Diffusion to ONNX: a diffusers-format folder in, four networks and what the pipeline must know of them out.

`source.py` opens a folder, `tiny.py` makes a small random model for tests; both are `Components`. `networks.py` turns
components into the networks of an export plan, `check.py` holds the whole against diffusers' own pipeline.
"""
