"""The demo: real photographs, degraded in a stated way, restored through a real server, measured and shown.

    python -m demo --out out/demo

writes `index.html` (a page without external requests), `report.json` and the pictures, and exits non-zero when a
figure misses its target. Each task joins with one file in `demo/tasks/`.

The export's gate and its comparison of versions stand on the same photographs (`photos`, `degrade`, `pictures`), the
same measures (`metrics`) and the same page (`markup`, `files`, `folder`).
"""
