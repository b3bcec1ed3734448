"""python -m demo --out out/demo"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from darkroom_client import DarkroomError

from darkroom.server import ServerError
from demo import page, table
from demo.errors import DemoError
from demo.folder import published
from demo.report import REPORT_FILE, report
from demo.run import run
from demo.tasks import discover


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all figures hold; 1: the page is written, but a figure misses its target; 2: no page."""
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Restore real photographs through a real server."
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the page (default: %(default)s)")
    parser.add_argument("--tasks", help="comma-separated files of demo/tasks; default: all")
    parser.add_argument("--repository", type=Path, help="model repository (default: ./model_repository)")
    parser.add_argument("--config-name", default="cpu", choices=("cpu", "a100"), help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    start = time.perf_counter()
    try:
        demos = discover()
        if chosen.tasks:
            wanted = chosen.tasks.split(",")
            if unknown := sorted(set(wanted) - set(demos)):
                raise DemoError(f"There is no {', '.join(unknown)} in demo/tasks; there is {', '.join(demos)}.")
            demos = {name: demo for name, demo in demos.items() if name in wanted}
        with published(chosen.out, REPORT_FILE) as folder:
            result = run(demos, chosen.repository, chosen.config_name, echo=_say)
            page.write(result, folder)
            content = report(result, time.perf_counter() - start)
            (folder / REPORT_FILE).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except (DemoError, ServerError, DarkroomError, OSError) as error:
        _say(f"The demo stopped: {error}")
        return 2
    except KeyboardInterrupt:
        _say("Interrupted.")
        return 130
    print()
    print(*table.lines(result), sep="\n")
    print(f"\n{content['requests_s']:.0f} s for the requests, {content['total_s']:.0f} s in all.")
    print(f"Look at {chosen.out / page.PAGE_FILE}")
    return 0 if result.passed else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
