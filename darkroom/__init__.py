"""Darkroom: AI image processing on NVIDIA Triton, scheduled by tile, face and diffusion step."""

__version__ = "0.1.0"
