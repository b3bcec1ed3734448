"""One module an accepted format. Each has `parse(data) -> Facts`, which reads the header and allocates nothing that
grows with the picture, and `load(data, facts) -> Raster`, which decodes."""
