"""From a request's bytes and parameters to a job, and from a finished job to its answer. Knows no Triton."""

import json
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from darkroom import codec
from darkroom.codec import Header, Image
from darkroom.engine import Engine, Job, Price, Request
from darkroom.engine.job import now
from darkroom.engine.price import pixel_bytes
from darkroom.errors import BadOptionError, DarkroomError
from darkroom.network import Network
from darkroom.network_errors import OutOfMemoryError
from darkroom.options import MAX_ID, Options, parse
from darkroom.pipelines.task import Estimate, Task
from darkroom.version import ModelVersion


@dataclass(frozen=True)
class Incoming:
    """One request as a front end hands it over."""

    data: bytes
    """The encoded file."""
    parameters: Mapping[str, Any]
    id: str = ""
    timeout_s: float = 0.0
    """The front end's own timeout for the request; 0 when it set none."""
    is_cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Answer:
    """`image`: the encoded file, empty for a quote. `report`: JSON, the receipt."""

    image: bytes
    report: str


Reply = Callable[[Answer | None, DarkroomError | None], None]


class Service:
    """One task of one model version, served by one engine."""

    def __init__(self, task: Task[Any], version: ModelVersion, engine: Engine) -> None:
        self.task = task
        self.version = version
        self.engine = engine

    def submit(self, incoming: Incoming, reply: Reply) -> None:
        """Check, price and admit one request. `reply` is called exactly once, whatever happens."""
        try:
            if len(incoming.id) > MAX_ID:
                raise BadOptionError(f"The id of a request has at most {MAX_ID} characters, got {len(incoming.id)}.")
            options = parse(self.task.options, incoming.parameters)
            header = codec.read_header(incoming.data, self.version.config.limits)
            request = self._request(incoming, options, header, reply)
            if options.quote:
                reply(self._quote(request), None)
            else:
                self.engine.submit(request)
        except DarkroomError as error:
            self.refuse(error, reply)

    def refuse(self, error: DarkroomError, reply: Reply) -> None:
        """Answer with `error`, and count it."""
        self.engine.stats.refuse(error)
        reply(None, error)

    def warm_up(self) -> None:
        """Run the task's warm-up units: loads lazily built kernels and teaches the estimates."""
        for network, unit in self.task.warm_up(self.version):
            shape = unit[0].shape
            for n in self._warm_sizes(network):
                started = now()
                try:
                    network.run([unit] * n)
                except OutOfMemoryError:
                    if n == 1:
                        raise
                    self.engine.device.did_not_fit(network, shape, n)
                    break
                self.engine.estimates.observe(network, shape, math.prod(shape), n, now() - started)

    def _warm_sizes(self, network: Network) -> list[int]:
        if network.pad_batches:  # a GPU builds its kernels a batch size, and there are few of those
            return [size for size in (1, 2, 4, 8, 16, 32, 64) if size <= network.max_batch]
        return [1, self.version.config.engine.max_batch] if self.version.simulated else [1]

    def _request(self, incoming: Incoming, options: Options, header: Header, reply: Reply) -> Request:
        estimate = self.task.estimate(self.version, header, options)
        self._check_output(estimate, codec.resolve_format(options.output_format, header.format))
        deadline = min(
            options.deadline_s or self.version.config.limits.default_deadline_s,
            incoming.timeout_s or math.inf,
        )
        return Request(
            id=incoming.id or uuid.uuid4().hex,
            named=bool(incoming.id),
            price=self._price(estimate, header, options),
            body=lambda job: self._work(job, incoming.data, options),
            answer=reply,
            deadline_s=deadline,
            lane=options.lane,
            encoded_bytes=len(incoming.data),
            is_cancelled=incoming.is_cancelled,
        )

    def _check_output(self, estimate: Estimate, output_format: codec.EncodedFormat) -> None:
        codec.check_output_size(estimate.width, estimate.height, output_format)
        pixels, most = estimate.width * estimate.height, self.version.config.limits.max_output_pixels
        if pixels > most:
            raise BadOptionError(
                f"The result would be {estimate.width} x {estimate.height} pixels, {pixels} in all; "
                f"at most {most} are allowed."
            )

    def _price(self, estimate: Estimate, header: Header, options: Options) -> Price:
        pixels_in, pixels_out = header.width * header.height, estimate.width * estimate.height
        held = pixel_bytes(pixels_in, pixels_out) + estimate.scratch_bytes
        format_out = codec.resolve_format(options.output_format, header.format)
        seconds = self.engine.codec_estimates.seconds
        decode_s = seconds(("decode", header.format), None, pixels_in, 1)
        encode_s = seconds(("encode", format_out), None, pixels_out, 1)
        stitch_s = seconds("stitch", None, pixels_out, 1)
        return Price(estimate.work, held, decode_s + stitch_s + encode_s)

    def _quote(self, request: Request) -> Answer:
        quote = self.engine.quote(request)
        report = {
            "task": self.task.name,
            "version": self.version.number,
            "units": quote.units,
            "work_s": round(quote.work_s, 4),
            "done_in_s": round(quote.done_in_s, 4),
            **self._simulated(),
        }
        return Answer(b"", json.dumps(report))

    async def _work(self, job: Job, data: bytes, options: Options) -> Answer:
        started = now()
        image: Image = await job.in_pool(self._decode, data)
        decoded = now()
        job.timings.decode_s = decoded - started
        self.engine.stats.megapixels += image.width * image.height / 1e6
        result = await self.task.run(job, self.version, image, options)
        del image
        finished = now()
        job.timings.infer_s = finished - decoded
        encoded = await job.in_pool(self._encode, result, options)
        job.timings.encode_s = now() - finished
        self._learn("stitch", result.width * result.height, job.timings.stitch_s)
        self.engine.stats.bytes_out += len(encoded)
        return Answer(encoded, json.dumps(self._report(job)))

    def _report(self, job: Job) -> dict[str, Any]:
        name = job.report.get("network")
        record = self.version.networks[name].record if name in self.version.networks else None
        timings = job.timings
        return {
            "task": self.task.name,
            "version": self.version.number,
            "id": job.request.id,
            **({"sha256": record.sha256, "weights": record.weights} if record else {}),
            **job.report,
            "units": job.units_done,
            "batches": job.batches,
            "queue_ms": _ms(timings.queue_s),
            "decode_ms": _ms(timings.decode_s),
            "infer_ms": _ms(timings.infer_s),
            "encode_ms": _ms(timings.encode_s),
            "promise_kept": now() <= job.promised_at,
            **self._simulated(),
        }

    def _simulated(self) -> dict[str, bool]:
        return {"simulated": True} if self.version.simulated else {}

    def _decode(self, data: bytes) -> Image:
        started = now()
        image = codec.decode(data, self.version.config.limits)
        self._learn(("decode", image.format), image.width * image.height, now() - started)
        return image

    def _encode(self, image: Image, options: Options) -> bytes:
        started = now()
        encoded = codec.encode(image, options.output_format, options.output_quality)
        self._learn(
            ("encode", codec.resolve_format(options.output_format, image.format)),
            image.width * image.height,
            now() - started,
        )
        return encoded

    def _learn(self, what: tuple[str, str] | str, pixels: int, seconds: float) -> None:
        self.engine.codec_estimates.observe_rate(what, pixels, seconds)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
