"""What an operator looks at: the panels, in rows, each with its queries.

One table for two drawers: `darkroom top --html`, and the Grafana dashboard that deploy/grafana/ makes of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """One PromQL expression, and what its lines are called: `{label}` stands for a label's value."""

    promql: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One chart over time."""

    title: str
    unit: str
    """Of the values, by Grafana's name: s, ops (a second), short (a number), bytes, percentunit (1 is 100 %)."""
    about: str
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Row:
    """Panels that answer one question."""

    title: str
    panels: tuple[Panel, ...]


_OK = 'sum(rate(darkroom_jobs_total{outcome="ok"}[1m]))'
_WORK = 'route!~"health|metrics|jobs|other"'


def _stage(name: str) -> Query:
    return Query(f"sum(rate(darkroom_{name}_seconds_total[1m])) / {_OK}", name)


def _gateway_quantile(q: float) -> Query:
    buckets = f"rate(darkroom_gateway_request_seconds_bucket{{{_WORK}}}[1m])"
    return Query(f"histogram_quantile({q}, sum by (le) ({buckets}))", f"p{q * 100:.0f}")


ROWS = (
    Row(
        "What callers get",
        (
            Panel(
                "Throughput",
                "ops",
                "Jobs answered with a picture, a second.",
                (Query('sum by (task) (rate(darkroom_jobs_total{outcome="ok"}[1m]))', "{task}"),),
            ),
            Panel(
                "Latency by stage",
                "s",
                "Mean seconds a job spends waiting, being decoded, on the device, being encoded.",
                (_stage("queue"), _stage("decode"), _stage("infer"), _stage("encode")),
            ),
            Panel(
                "Answer time at the gateway",
                "s",
                "From a request's first byte to its answer's last, refusals included.",
                (_gateway_quantile(0.5), _gateway_quantile(0.95), _gateway_quantile(0.99)),
            ),
            Panel(
                "Refusals",
                "ops",
                "Jobs refused at admission or dropped at their deadline; at the gateway, every 429.",
                (
                    Query(
                        'sum by (task, outcome) (rate(darkroom_jobs_total{outcome=~"busy|deadline"}[1m]))',
                        "{task}: {outcome}",
                    ),
                    Query('sum(rate(darkroom_gateway_requests_total{status="429"}[1m]))', "gateway: 429"),
                ),
            ),
            Panel(
                "Failures",
                "ops",
                "Bad pictures and options are the callers'; internal is ours.",
                (
                    Query(
                        'sum by (outcome) (rate(darkroom_jobs_total{outcome!~"ok|busy|deadline|cancelled"}[1m]))',
                        "{outcome}",
                    ),
                ),
            ),
            Panel(
                "Promises kept",
                "percentunit",
                "Share of answers that came within the time promised at admission.",
                (
                    Query(
                        'sum by (task) (rate(darkroom_promises_total{kept="true"}[1m]))'
                        " / sum by (task) (rate(darkroom_promises_total[1m]))",
                        "{task}",
                    ),
                ),
            ),
        ),
    ),
    Row(
        "What is in line",
        (
            Panel(
                "Jobs by task",
                "short",
                "In the engines: waiting encoded, or running.",
                (Query("sum by (task, state) (darkroom_jobs)", "{task}: {state}"),),
            ),
            Panel(
                "Backlog",
                "s",
                "Device seconds admitted and not done, by machine. A job's default deadline is 30 s.",
                (Query("sum by (instance) (darkroom_backlog_seconds)", "{instance}"),),
            ),
            Panel(
                "Queue",
                "short",
                "Units in line for the device; requests in Triton's own queue.",
                (
                    Query("sum by (task) (darkroom_units_waiting)", "{task}: units"),
                    Query('sum(nv_inference_pending_request_count{model!="jobs"})', "Triton: requests"),
                ),
            ),
        ),
    ),
    Row(
        "What the device does",
        (
            Panel(
                "Units per batch",
                "short",
                "Tiles, faces and steps that share one run of a network.",
                (
                    Query(
                        "sum by (task, network) (rate(darkroom_units_total[1m]))"
                        " / sum by (task, network) (rate(darkroom_batches_total[1m]))",
                        "{task}: {network}",
                    ),
                ),
            ),
            Panel(
                "Device busy",
                "percentunit",
                "Share of the time the device computes for us.",
                (Query("sum by (instance) (rate(darkroom_device_busy_seconds_total[1m]))", "{instance}"),),
            ),
            Panel(
                "Megapixels",
                "ops",
                "Decoded input, in millions of pixels a second.",
                (Query("sum by (task) (rate(darkroom_megapixels_total[1m]))", "{task}"),),
            ),
            Panel(
                "GPU",
                "percentunit",
                "As the driver tells it; nothing without a GPU.",
                (
                    Query("nv_gpu_utilization", "{instance} {gpu_uuid}: busy"),
                    Query("nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes", "{instance} {gpu_uuid}: memory"),
                ),
            ),
            Panel(
                "Canaries",
                "short",
                "1 where a small picture really came back, 0 where it did not.",
                (Query("min by (instance, model) (darkroom_canary_ok)", "{instance}: {model}"),),
            ),
        ),
    ),
)
