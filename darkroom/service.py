"""From a request's bytes and parameters to a job, and from a finished job to its answer. Knows no Triton."""

import json
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from darkroom import codec
from darkroom.bands import Source, Target
from darkroom.codec import Depth, Description, Header, Image, Pixels, Reader, Samples, Writer
from darkroom.codec.metadata import filtered
from darkroom.engine import Engine, Job, Price, Request
from darkroom.engine.job import now
from darkroom.engine.price import answer_bytes, decoded_bytes, pixel_bytes
from darkroom.errors import BadOptionError, DarkroomError
from darkroom.network import Network
from darkroom.network_errors import OutOfMemoryError
from darkroom.options import MAX_ID, DepthOptions, Options, parse
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


WIDE_SLOWNESS = 2.0
"""What computing in fp32 may cost over the half precision that 8 bits are computed in."""

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
            header = codec.read_header(
                incoming.data, self.version.config.limits, frame=options.frame, truncated=options.truncated
            )
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
        self._guess_wide_networks()

    def _guess_wide_networks(self) -> None:
        """Networks for 16 bits are priced by their twins until they have run; most are not even open yet."""
        estimates, size = self.engine.estimates, 1e5
        for network in self.version.networks.values():
            if network.record.bits == 8 and self.version.has_bits(network, 16):
                wide = self.version.for_bits(network, 16)
                estimates.observe_rate(wide, size, WIDE_SLOWNESS * estimates.seconds(network, None, size, 1))

    def _warm_sizes(self, network: Network) -> list[int]:
        if network.pad_batches:  # a GPU builds its kernels a batch size, and there are few of those
            return [size for size in (1, 2, 4, 8, 16, 32, 64) if size <= network.max_batch]
        return [1, self.version.config.engine.max_batch] if self.version.simulated else [1]

    def _request(self, incoming: Incoming, options: Options, header: Header, reply: Reply) -> Request:
        file_bits, header = header.bits, replace(header, bits=self._depth(header, options))
        estimate = self.task.estimate(self.version, header, options)
        self._check_output(estimate, self._format(header, options))
        deadline = min(
            options.deadline_s or self.version.config.limits.default_deadline_s,
            incoming.timeout_s or math.inf,
        )
        order = _Order(incoming.data, options, header, file_bits, estimate)
        return Request(
            id=incoming.id or uuid.uuid4().hex,
            named=bool(incoming.id),
            price=self._price(estimate, header, options, len(incoming.data)),
            body=lambda job: self._work(job, order),
            answer=reply,
            deadline_s=deadline,
            lane=options.lane,
            encoded_bytes=len(incoming.data),
            is_cancelled=incoming.is_cancelled,
        )

    def _depth(self, header: Header, options: Options) -> Depth:
        """Bits of the samples that this job is computed in. Raises BadOptionError for 16 that cannot be had."""
        if self.task.network is None or not isinstance(options, DepthOptions):
            return 8
        depth = codec.resolve_depth(options.output_depth, header.bits, self._format(header, options))
        network = self.task.network(self.version, options)
        if self.version.has_bits(network, depth):
            return depth
        if options.output_depth == 16:
            raise BadOptionError(
                f'output_depth must be 8 or "same": version {self.version.number} of {self.task.name} does not '
                f"compute {network.name} in 16 bits."
            )
        return 8

    def _format(self, header: Header, options: Options) -> codec.EncodedFormat:
        return codec.resolve_format(options.output_format, header.format, alpha=header.alpha)

    def _check_output(self, estimate: Estimate, output_format: codec.EncodedFormat) -> None:
        codec.check_output_size(estimate.width, estimate.height, output_format)
        pixels, most = estimate.width * estimate.height, self.version.config.limits.max_output_pixels
        if pixels > most:
            raise BadOptionError(
                f"The result would be {estimate.width} x {estimate.height} pixels, {pixels} in all; "
                f"at most {most} are allowed."
            )

    def _price(self, estimate: Estimate, header: Header, options: Options, encoded_bytes: int) -> Price:
        pixels_in, pixels_out = header.width * header.height, estimate.width * estimate.height
        format_out = self._format(header, options)
        if self.task.run_banded is None:
            held = pixel_bytes(pixels_in, pixels_out) + estimate.scratch_bytes
        else:
            held = encoded_bytes + estimate.scratch_bytes + answer_bytes(pixels_out, header.bits // 8, format_out)
            if not header.banded:
                held += decoded_bytes(pixels_in, header.bits // 8, header.format)
        seconds = self.engine.codec_estimates.seconds
        decode_s = seconds(_rate("decode", header.format, header.bits), None, pixels_in, 1) * estimate.decodes
        encode_s = seconds(_rate("encode", format_out, header.bits), None, pixels_out, 1)
        stitch_s = seconds("stitch", None, pixels_out, 1)
        return Price(estimate.work, held, decode_s + stitch_s + encode_s, estimate.bands)

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

    async def _work(self, job: Job, order: "_Order") -> Answer:
        started = now()
        source = Source(order.header, order.header.bits, partial(self._open_reader, order))
        try:
            recipe = self._work_in_bands if self.task.run_banded else self._work_on_whole
            target = await recipe(job, order, source)
        finally:
            source.close()
        assert target.finished, f"{self.task.name} wrote {target.rows} of {target.height} rows"
        self._book(job, source, target, order, now() - started)
        return Answer(target.encoded, json.dumps(self._report(job, order, source)))

    async def _work_in_bands(self, job: Job, order: "_Order", source: Source) -> Target:
        assert self.task.run_banded is not None
        target = Target(
            order.estimate.width,
            order.estimate.height,
            lambda alpha: self._open_writer(order, source.description, target, alpha),
        )
        await self.task.run_banded(job, self.version, source, target, order.options)
        return target

    async def _work_on_whole(self, job: Job, order: "_Order", source: Source) -> Target:
        assert self.task.run is not None
        pixels, alpha = await job.in_pool(source.read_whole)
        image = _image(source.description, pixels, alpha)
        del pixels, alpha
        result = await self.task.run(job, self.version, image, order.options)
        del image
        target = Target(
            result.width,
            result.height,
            lambda alpha: self._open_writer(order, result.description, target, alpha),
        )
        await job.in_pool(target.write, result.pixels, result.alpha)
        return target

    def _open_reader(self, order: "_Order") -> Reader:
        return codec.open_reader(
            order.data,
            self.version.config.limits,
            bits=order.header.bits,
            frame=order.options.frame,
            truncated=order.options.truncated,
        )

    def _open_writer(self, order: "_Order", description: Description, target: Target, alpha: bool) -> Writer:
        return codec.open_writer(
            replace(description, metadata=filtered(description.metadata, order.options.metadata)),
            target.width,
            target.height,
            output_format=self._format(order.header, order.options),
            bits=order.header.bits,
            alpha=alpha,
            quality=order.options.output_quality,
        )

    def _book(self, job: Job, source: Source, target: Target, order: "_Order", seconds: float) -> None:
        """What the job's parts took: decoding and encoding in thread seconds, which in large pictures pass while the
        device computes, and all the rest of its `seconds`."""
        timings, bits = job.timings, order.header.bits
        timings.decode_s, timings.encode_s = source.seconds, target.seconds
        timings.infer_s = max(0.0, seconds - source.seconds - target.seconds)
        pixels_out = target.width * target.height
        self._learn(_rate("decode", order.header.format, bits), source.pixels, source.seconds)
        self._learn(_rate("encode", self._format(order.header, order.options), bits), pixels_out, target.seconds)
        # bands are encoded by the threads that complete them
        encoding_s = target.seconds if self.task.run_banded else 0.0
        self._learn("stitch", pixels_out, max(0.0, timings.stitch_s - encoding_s))
        self.engine.stats.megapixels += source.width * source.height / 1e6
        self.engine.stats.bytes_out += len(target.encoded)

    def _report(self, job: Job, order: "_Order", source: Source) -> dict[str, Any]:
        network = self.version.networks.get(job.report.get("network", ""))
        record = self.version.for_bits(network, source.bits).record if network else None
        timings = job.timings
        return {
            "task": self.task.name,
            "version": self.version.number,
            "id": job.request.id,
            **({"sha256": record.sha256, "weights": record.weights} if record else {}),
            **({"bits": source.bits} if 16 in (source.bits, order.file_bits) else {}),
            **source.report,
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

    def _learn(self, what: tuple[str, str] | str, pixels: int, seconds: float) -> None:
        self.engine.codec_estimates.observe_rate(what, pixels, seconds)


@dataclass(frozen=True)
class _Order:
    """One request that was priced."""

    data: bytes
    options: Any
    header: Header
    """With the bits that it is computed in."""
    file_bits: Depth
    estimate: Estimate


def _image(about: Description, pixels: Samples, alpha: Samples | None) -> Image:
    """A whole picture of 8 bits."""
    return Image(cast(Pixels, pixels), cast(Pixels | None, alpha), about.grey, about.icc, about.format, about.metadata)


def _rate(what: str, image_format: str, bits: Depth) -> tuple[str, str]:
    """The name under which the speed of a codec is known."""
    return (what, image_format if bits == 8 else f"{image_format}_16bit")


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
