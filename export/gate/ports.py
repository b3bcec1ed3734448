"""Does every network take and give what the pipeline expects?"""

from darkroom.config import load_networks
from export import ports
from export.gate.finding import Finding
from export.release import Candidate


def check(candidate: Candidate) -> Finding:
    """Raises ExportError for a file that is no network, or has other inputs and outputs than its recipe states."""
    records = load_networks(candidate.folder)
    stated = 0
    for name, record in records.items():
        path = candidate.folder / record.file
        network = candidate.networks.get(name)
        if network is not None and network.ports is not None:
            ports.check(path, network.ports)
            stated += 1
        else:
            ports.read(path)
    kept = len(records) - stated
    return Finding(f"{stated} as their recipe states" + (f", {kept} readable" if kept else ""))
