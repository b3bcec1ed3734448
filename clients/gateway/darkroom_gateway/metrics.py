"""What Prometheus reads at /metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from darkroom_gateway.trace import Trace

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """One set an application, so that several can live in one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        name = "darkroom_gateway_"
        self._requests = Counter(
            f"{name}requests", "Requests answered", ["route", "status", "reason"], registry=registry
        )
        self._seconds = Histogram(
            f"{name}request_seconds", "From a request's first byte to its answer's last", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._overhead = Histogram(
            f"{name}overhead_seconds", "Of that, not spent waiting for the server behind", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._bytes = Counter(f"{name}bytes", "Bodies", ["direction"], registry=registry)
        self.in_flight = Gauge(f"{name}requests_in_flight", "Requests being answered", registry=registry)
        self.jobs = Counter(f"{name}jobs", "Asynchronous jobs that ended", ["task", "state"], registry=registry)
        self.unfinished_jobs = Gauge(f"{name}unfinished_jobs", "Asynchronous jobs in work", registry=registry)
        self.kept_results = Gauge(f"{name}kept_results", "Finished jobs kept", registry=registry)
        self.kept_bytes = Gauge(f"{name}kept_bytes", "Bytes of pictures kept for finished jobs", registry=registry)
        self.spans_dropped = Counter(f"{name}spans_dropped", "Spans that no collector took", registry=registry)
        self.held_bytes = Gauge(
            f"{name}held_bytes", "Bytes of uploads in work and of results being sent", registry=registry
        )

    def ended(self, trace: Trace, seconds: float) -> None:
        self._requests.labels(trace.route, str(trace.status), trace.reason).inc()
        self._seconds.labels(trace.route).observe(seconds)
        if trace.server_s:
            self._overhead.labels(trace.route).observe(max(0.0, seconds - trace.server_s))
        self._bytes.labels("in").inc(trace.bytes_in)
        self._bytes.labels("out").inc(trace.bytes_out)

    def page(self) -> bytes:
        return generate_latest(self._registry)
