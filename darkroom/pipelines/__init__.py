"""The tasks: one file each, an async function over networks."""
