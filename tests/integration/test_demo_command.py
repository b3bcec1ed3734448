"""`python -m demo` against a real server: the page, the report, the exit status."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_one_task_ends_in_a_page_whose_figures_hold(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "demo", "--tasks", "formats", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    content = json.loads((out / "report.json").read_text())
    assert content["passed"]
    assert content["tasks"]["formats"]["checks"][0]["found"] == "1 of 1"
    sources = re.findall(r'src="([^"]+)"', (out / "index.html").read_text())
    assert len(sources) > 16
    assert all((out / source).is_file() for source in sources)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
