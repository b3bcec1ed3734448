"""One recipe a task; every module here defines `RECIPE` and is found by itself."""
