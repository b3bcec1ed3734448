"""Stable Diffusion's arithmetic around its networks: prompts, shapes, noise, schedulers, previews.

Nothing here knows of jobs, batches or Triton. `model.py` reads what a version's folder holds beside the networks, and
`darkroom.pipelines.image_to_image` puts the parts in order.
"""
