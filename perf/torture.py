"""Tens of thousands of hostile files through a real server: does any of them kill, hang, or fail with a 5xx?

Damaged files of every format and bombs (perf.hostile), by 16 callers over six ways: raw, binary and JSON over HTTP,
gRPC, and the gateway with the picture as body and as form. Simulated device, 2 ms a batch and 0.2 ms a unit, so that
nearly all of the time goes into what reads the files. `busy` and `deadline` are refusals in time, not failures.

Memory (private pages of the server's tree, and its shared memory) is measured at rest: after a warm-up of the same kind
of files, and after each tenth of the run. tritonserver's own heap keeps up to 30 MiB of the last large JSON body for a
while and then gives it back, so single measurements flip between two levels. What leaks never comes back: the growth is
that of the floor, the lowest of the second half over the lowest of the first; the highest is told beside it.
"""

import argparse
import collections
import sys
import time
from collections.abc import Sequence

import psutil

from darkroom.server import Server
from perf.gateway import running_gateway
from perf.harness import OUT, own_bytes, report, server
from perf.hostile import Hostile, hostile_files
from perf.hostile.seeds import seeds
from perf.hostile.sending import Sender, Verdict

CALLERS = 16
LAPS = 10
SETTLED_S = 4.0
"""An engine gives memory back when it has been idle for a second."""
_GOOD = Hostile("a sound file", seeds()["png"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--warm", type=int, default=4_000, help="files of the same kind before memory is measured")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    with (
        server(["super_resolution"], "2,0.2") as running,
        running_gateway(running.grpc_url) as (gateway_url, gateway),
    ):
        sender = Sender(running.http_url, running.grpc_url, gateway_url)
        expected = [sender.send(way, _GOOD).picture for way in sender.ways]
        before = stubs(running)
        sender.send_all(hostile_files(arguments.warm, arguments.seed, start=arguments.inputs), CALLERS)
        memory, gateway_memory = [settled(running)], [gateway.memory_full_info().uss]
        logged = (OUT / "server.log").stat().st_size
        verdicts: list[Verdict] = []
        elapsed = 0.0
        each = -(-arguments.inputs // LAPS)
        for first in range(0, arguments.inputs, each):
            count = min(each, arguments.inputs - first)
            started = time.perf_counter()
            verdicts += sender.send_all(hostile_files(count, arguments.seed, start=first), CALLERS)
            elapsed += time.perf_counter() - started
            memory.append(settled(running))
            gateway_memory.append(gateway.memory_full_info().uss)
        again = [sender.send(way, _GOOD).picture for way in sender.ways]
        deaths = len(before - stubs(running))
        logged = (OUT / "server.log").stat().st_size - logged
        sender.close()
    rows = [
        _row("inputs", len(verdicts)),
        *(_row(f"answered {answer}", count) for answer, count in _answers(verdicts)),
        _row("answers of 5xx, busy and deadline apart", sum(_is_5xx(verdict) for verdict in verdicts), "0"),
        _row("hangs (no answer within 60 s) and broken connections", sum(v.status == 0 for v in verdicts), "0"),
        _row("model processes that died", deaths, "0"),
        _row("ways by which a sound file gets the same bytes as before", sum(map(_same, expected, again)), "6"),
        _row("memory of the server before (MiB)", memory[0] / 2**20),
        _row("memory of the server after (MiB)", memory[-1] / 2**20),
        _row("memory of the server, highest at rest (MiB)", max(memory) / 2**20),
        _row("growth of the server's memory (%)", 100 * growth(memory), "< 2"),
        _row("growth of the gateway's memory (%)", 100 * growth(gateway_memory)),
        _row("slowest answer (s)", max(verdict.seconds for verdict in verdicts)),
        _row("server's log, bytes an input", logged / len(verdicts)),
        _row("seconds", elapsed, "< 600 for 20,000"),
    ]
    failed = [verdict for verdict in verdicts if verdict.failed]
    told = [f"{verdict.answer}: {verdict.what}: {verdict.message[:300]}" for verdict in failed[:50]]
    report("torture", rows, seed=arguments.seed, memory=memory, gateway_memory=gateway_memory, failed=told)
    print(*told, sep="\n", file=sys.stderr)
    sys.exit(bool(failed or deaths or expected != again))


def stubs(running: Server) -> set[int]:
    """Process ids of the model processes that live."""
    children = psutil.Process(running.pid).children(recursive=True)
    return {child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE}


def settled(running: Server) -> int:
    """Memory of the server and its model processes once they have given back what they can, bytes."""
    time.sleep(SETTLED_S)
    return own_bytes(running)


def growth(measured: Sequence[int]) -> float:
    """By how much the lowest of the second half exceeds the lowest of the first, as a part of it; 0 if it does not."""
    half = len(measured) // 2
    return max(0.0, min(measured[half:]) / min(measured[:half]) - 1)


def _answers(verdicts: Sequence[Verdict]) -> list[tuple[str, int]]:
    return collections.Counter(verdict.answer for verdict in verdicts).most_common()


def _is_5xx(verdict: Verdict) -> bool:
    return verdict.status >= 500 and verdict.answer not in ("busy", "deadline")


def _same(before: bytes, after: bytes) -> bool:
    return bool(before) and before == after


def _row(what: str, value: float, wanted: str = "") -> dict[str, object]:
    return {"what": what, "value": value, "wanted": wanted}


if __name__ == "__main__":
    main()
