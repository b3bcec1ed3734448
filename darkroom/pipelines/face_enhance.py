"""Face enhancement: find the faces, align each, restore it, blend it back; the rest of the picture is denoised where it
is worn, and enlarged along."""

import math
import threading
from dataclasses import dataclass

import numpy as np

from darkroom.codec import Header, Image
from darkroom.engine import Job, Work
from darkroom.engine.admission import sufficient_s
from darkroom.engine.job import now
from darkroom.errors import BadOptionError, DeadlineError, quoted
from darkroom.faces import alignment, tone
from darkroom.faces.area import Pixels
from darkroom.faces.detection import Face
from darkroom.faces.paste import order, paste
from darkroom.faces.warp import warp
from darkroom.network import Array, Network, Unit
from darkroom.pipelines import face_background as background
from darkroom.pipelines.alpha import enlarge
from darkroom.pipelines.denoise import sigma_input
from darkroom.pipelines.face_detection import ONET, ONET_SIDE, PNET, RNET, RNET_SIDE, detect, detection_work
from darkroom.pipelines.face_enhance_options import FaceEnhanceOptions, FaceSettings, face_settings
from darkroom.pipelines.task import Estimate, Task
from darkroom.pipelines.tiled import tiled_warm_up, with_pixels
from darkroom.version import ModelVersion

SUM_BYTES = 12
"""The detector's integral image, bytes a pixel: three channels of 32 bits."""
TYPICAL_FACES = 1
"""What a job is priced for before its picture has been looked at."""


@dataclass(frozen=True)
class Chosen:
    """The restorer that one job uses."""

    network: Network
    sides: tuple[int, ...]
    """Crops it may be given, pixels."""
    extra: Unit
    """Its second input, where it has one."""

    def side_for(self, face: Face) -> int:
        """The side nearest to the face's own size in the picture."""
        own = 1 / alignment.magnification(alignment.to_crop(face.landmarks, 1))
        return min(self.sides, key=lambda side: abs(math.log(side / own)))


def estimate(version: ModelVersion, header: Header, options: FaceEnhanceOptions) -> Estimate:
    settings = face_settings(version)
    chosen = choose_restorer(version, settings, options)
    denoiser = background.denoiser(version, settings, options, header.height, header.width)
    work = detection_work(version, settings, header.height, header.width, options.min_face)
    if work and restores(options):
        work += background.denoising_work(version, denoiser, header.height, header.width)
        work += (Work(chosen.network, (chosen.sides[0], chosen.sides[0], 3), TYPICAL_FACES),)
    work += background.enlarging_work(version, header.height, header.width, options.scale)
    sums = SUM_BYTES * header.width * header.height if work else 0
    return Estimate(work, header.width * options.scale, header.height * options.scale, scratch_bytes=sums)


async def run(job: Job, version: ModelVersion, image: Image, options: FaceEnhanceOptions) -> Image:
    settings = face_settings(version)
    chosen = choose_restorer(version, settings, options)
    denoiser = background.denoiser(version, settings, options, image.height, image.width)
    job.report |= {"network": chosen.network.name, "background": "keep" if denoiser is None else "restore"}
    faces, angles = await detect(job, version, settings, image.pixels, options)
    job.report |= {"faces": [face.report() for face in faces], "angles_searched": list(angles)}
    if not restores(options):
        faces = []
    sigma = await background.strength(job, denoiser, image) if faces else 0.0
    job.report["background_strength"] = sigma
    denoising = background.denoising_work(version, denoiser, image.height, image.width) if sigma else ()
    enlarging = background.enlarging_work(version, image.height, image.width, options.scale)
    job.reprice((*denoising, *enlarging, *restoring_work(chosen, faces)))
    refuse_if_too_many(job, chosen, faces)
    pixels = image.pixels
    if denoiser is not None and sigma:
        pixels = await background.denoise(job, version, denoiser, pixels, sigma)
        if options.fidelity > 0:
            pixels = await job.in_pool(background.mix, pixels, image.pixels, options.fidelity)
    # what was denoised is a picture of our own already, and may be pasted into
    if options.scale > 1 or pixels is image.pixels:
        pixels = await background.enlarge(job, version, pixels, options.scale)
    await restore(job, chosen, faces, image.pixels, pixels, options)
    alpha = image.alpha
    if alpha is not None and options.scale > 1:
        alpha = await job.in_pool(enlarge, alpha, options.scale)
    return with_pixels(image, pixels, alpha)


def restoring_work(chosen: Chosen, faces: list[Face]) -> tuple[Work, ...]:
    """The price of `restore`."""
    sides = [chosen.side_for(face) for face in faces]
    return tuple(Work(chosen.network, (side, side, 3), sides.count(side)) for side in chosen.sides if side in sides)


def choose_restorer(version: ModelVersion, settings: FaceSettings, options: FaceEnhanceOptions) -> Chosen:
    """Raises BadOptionError where this version has no such restorer, or the restorer no such input."""
    name = settings.restorer if options.network is None else options.network
    restorer = settings.restorers.get(name)
    if restorer is None:
        raise BadOptionError(f"network must be one of {', '.join(sorted(settings.restorers))}, got {quoted(name)}.")
    weight = restorer.weight if options.restorer_weight is None else options.restorer_weight
    if restorer.weight is None and weight is not None:
        raise BadOptionError(f"restorer_weight must be left out: the network {name} has no such input.")
    extra = () if weight is None else (np.array(weight, np.float32),)
    return Chosen(version.networks[name], restorer.sides, extra)


def restores(options: FaceEnhanceOptions) -> bool:
    """Whether anything of a restored face would show."""
    return options.fidelity < 1 and options.max_faces > 0


async def restore(
    job: Job, chosen: Chosen, faces: list[Face], pixels: Pixels, canvas: Pixels, options: FaceEnhanceOptions
) -> None:
    """Every face of `pixels` uint8 `[h, w, 3]` restored and blended into `canvas` uint8 `[h * scale, w * scale, 3]`.

    All crops are cut from the original, so no face sees its neighbour's restoration or the denoiser's work. They
    are pasted in one order, whatever order they come back in.
    """
    faces = [faces[index] for index in order([face.area for face in faces])]
    crops = [await job.in_pool(align, pixels, face, chosen.side_for(face)) for face in faces]
    ready: dict[int, Array] = {}
    pasted = 0
    turn = threading.Lock()

    def place(index: int, outputs: Unit) -> None:
        nonlocal pasted
        restored = tone.match(outputs[0], crops[index])
        with turn:
            ready[index] = restored
            while pasted in ready:
                blend(canvas, ready.pop(pasted), faces[pasted], options)
                pasted += 1

    await job.map(chosen.network, ((crop, *chosen.extra) for crop in crops), place)


def align(pixels: Pixels, face: Face, side: int) -> Pixels:
    """The face upright in its crop: uint8 `[side, side, 3]`."""
    return warp(pixels, alignment.to_crop(face.landmarks, side), side, side)


def blend(canvas: Pixels, restored: Pixels, face: Face, options: FaceEnhanceOptions) -> None:
    """The restored crop back to where its face was, in place."""
    matrix = alignment.scaled(alignment.to_crop(face.landmarks, len(restored)), before=options.scale)
    paste(canvas, restored, matrix, 1 - options.fidelity)


def refuse_if_too_many(job: Job, chosen: Chosen, faces: list[Face]) -> None:
    """Raises DeadlineError where even an idle device could not restore the faces in time: better now that they are
    counted than after a minute of work for nothing."""
    device = job.engine.device
    needed = 0.0
    for side in chosen.sides:
        count = sum(chosen.side_for(face) == side for face in faces)
        shape = (side, side, 3)
        limit = device.batch_limit(chosen.network, shape)
        full, rest = divmod(count, limit)
        needed += full * device.seconds(chosen.network, shape, limit)
        needed += device.seconds(chosen.network, shape, rest) if rest else 0.0
    left = job.deadline_at - now()
    if needed > 1.2 * left:  # the estimate may be a little off
        enough_s = sufficient_s(now() - job.admitted_at + needed)
        longer = "" if enough_s is None else f", or send deadline_s={enough_s:g}"
        raise DeadlineError(
            f"The picture has {len(faces)} faces, which take about {needed:.0f} s to restore; {max(0.0, left):.0f} s "
            f"are left. Ask for fewer with max_faces or min_face{longer}.",
            deadline_s=enough_s,
        )


def warm_up(version: ModelVersion) -> list[tuple[Network, Unit]]:
    settings = face_settings(version)
    detectors = [(PNET, min(settings.tile_sides)), (RNET, RNET_SIDE), (ONET, ONET_SIDE)]
    units = [_grey(version, name, side, np.float32) for name, side in detectors]
    for name, restorer in settings.restorers.items():
        extra = () if restorer.weight is None else (np.array(restorer.weight, np.float32),)
        side = version.config.networks[name].probe or restorer.sides[0]
        units.append(_grey(version, name, side, np.uint8, extra))
    units += [tiled_warm_up(version, network) for name, network in version.networks.items() if name.startswith("span_")]
    if background.DENOISER in version.networks:
        units.append(tiled_warm_up(version, version.networks[background.DENOISER], (sigma_input(0.0),)))
    return units


def _grey(
    version: ModelVersion, name: str, side: int, dtype: type[np.uint8] | type[np.float32], extra: Unit = ()
) -> tuple[Network, Unit]:
    return version.networks[name], (np.full((side, side, 3), 128, dtype), *extra)


TASK = Task("face_enhance", FaceEnhanceOptions, estimate, run, warm_up)
