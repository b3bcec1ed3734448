"""Finding the faces of one picture: three networks, each judging what the one before let through. Candidates of all
jobs share batches."""

from collections.abc import Iterable

import numpy as np

from darkroom.engine import Job, Work
from darkroom.faces import detection, pyramid, turned
from darkroom.faces.area import AreaSampler, Pixels
from darkroom.faces.detection import Candidates, Face
from darkroom.faces.pyramid import Tile
from darkroom.network import Array, Network, Unit
from darkroom.pipelines.face_enhance_options import FaceEnhanceOptions, FaceSettings
from darkroom.version import ModelVersion

PNET, RNET, ONET = "mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet"
RNET_SIDE, ONET_SIDE = 24, 48
SMALLEST_FACE = 20
"""Pixels; the networks judge windows of 12."""
TYPICAL = {RNET: 60, ONET: 8}
"""Candidates that a photo with a face or two sends to the later networks: unknown until it has been looked at."""


def detection_work(
    version: ModelVersion, settings: FaceSettings, height: int, width: int, min_face: float
) -> tuple[Work, ...]:
    """The expected price of a search for upright faces; () for a picture that no face of that size fits into."""
    counts: dict[int, int] = {}
    for level in pyramid.levels(height, width, min_face):
        side, count = pyramid.plan(level, settings.tile_sides)
        counts[side] = counts.get(side, 0) + count
    if not counts:
        return ()
    networks = version.networks
    return (
        *(Work(networks[PNET], (side, side, 3), count) for side, count in sorted(counts.items())),
        Work(networks[RNET], (RNET_SIDE, RNET_SIDE, 3), TYPICAL[RNET]),
        Work(networks[ONET], (ONET_SIDE, ONET_SIDE, 3), TYPICAL[ONET]),
    )


async def detect(
    job: Job, version: ModelVersion, settings: FaceSettings, pixels: Pixels, options: FaceEnhanceOptions
) -> tuple[list[Face], tuple[int, ...]]:
    """The faces of uint8 `[h, w, 3]`, in reading order, and the angles that were searched: degrees clockwise.

    Upright faces are looked for first, and turned ones only where no upright one is sure: a picture with both keeps
    the price and the result of the upright ones. A picture that no face fits into is not searched at all."""
    height, width, _ = pixels.shape
    if not pyramid.levels(height, width, options.min_face):
        return [], ()
    found = await _find(job, version, settings, pixels, options.min_face, options.threshold)
    searched: tuple[int, ...] = (0,)
    if options.max_faces > 0 and all(face.score < turned.SURE for face in found):
        if lying := await _find_turned(job, version, settings, pixels, options):
            found = turned.distinct([*found, *lying])
        searched = (0, *turned.ANGLES)
    return detection.choose(found, options.min_face, options.max_faces), searched


async def _find_turned(
    job: Job, version: ModelVersion, settings: FaceSettings, pixels: Pixels, options: FaceEnhanceOptions
) -> list[Face]:
    """Faces turned by 90, 180 or 270 degrees. A small copy is searched at every angle; the picture itself only at
    those where the copy shows a face. Neither is in the estimate, since few pictures need it; the job is repriced."""
    height, width, _ = pixels.shape
    price = job.price.work
    small, scale = await job.in_pool(turned.coarse, pixels)
    least = max(options.min_face * scale, SMALLEST_FACE)
    threshold = max(options.threshold, turned.SCORE)
    found: list[Face] = []
    for index, angle in enumerate(turned.ANGLES):
        view = turned.upright(small, angle)
        looks = len(turned.ANGLES) - index
        work = detection_work(version, settings, view.shape[0], view.shape[1], least)
        if not work:
            return []
        job.reprice((*_later(price), *work * looks))
        seen = turned.convincing(await _find(job, version, settings, view, least, threshold))
        if seen and scale < 1:
            view = turned.upright(pixels, angle)
            whole = detection_work(version, settings, view.shape[0], view.shape[1], options.min_face)
            job.reprice((*_later(price), *work * (looks - 1), *whole))
            seen = turned.convincing(await _find(job, version, settings, view, options.min_face, threshold))
        found += [turned.turn_back(face, angle, height, width) for face in seen]
    return found


def _later(work: tuple[Work, ...]) -> tuple[Work, ...]:
    """What of a job's price comes after detection."""
    return tuple(part for part in work if part.network.name not in (PNET, RNET, ONET))


async def _find(
    job: Job, version: ModelVersion, settings: FaceSettings, pixels: Pixels, min_face: float, threshold: float
) -> list[Face]:
    """The upright faces of uint8 `[h, w, 3]`, best score first. The job's price holds `detection_work`."""
    networks = version.networks
    picture = await job.in_pool(AreaSampler, pixels)

    tiles = await job.in_pool(_cut, picture, min_face, settings.tile_sides)
    answers = await run_all(job, networks[PNET], ((tile.pixels,) for tile in tiles))
    maps = [(scores, offsets) for scores, offsets in answers]
    found = await job.in_pool(detection.proposals, tiles, maps, settings.proposal_threshold, settings.max_candidates)
    del tiles, answers, maps

    job.units_total += len(found) - TYPICAL[RNET]
    found, outputs = await _judge(job, networks[RNET], picture, found, RNET_SIDE)
    if outputs:
        scores, offsets = outputs
        found = await job.in_pool(detection.refine, found, scores, offsets, settings.candidate_threshold)

    job.units_total += len(found) - TYPICAL[ONET]
    found, outputs = await _judge(job, networks[ONET], picture, found, ONET_SIDE)
    if not outputs:
        return []
    scores, offsets, landmarks = outputs
    return await job.in_pool(detection.faces, found, scores, offsets, landmarks, threshold)


async def run_all(job: Job, network: Network, units: Iterable[Unit]) -> list[Unit]:
    """Every unit's outputs, in the order of the units."""
    outputs: dict[int, Unit] = {}
    await job.map(network, units, outputs.__setitem__)
    return [outputs[index] for index in range(len(outputs))]


async def _judge(
    job: Job, network: Network, picture: AreaSampler, candidates: Candidates, side: int
) -> tuple[Candidates, list[Array]]:
    """The candidates that lie in the picture, and the network's outputs with them along the first axis; [] where
    there are none."""
    candidates, crops = await job.in_pool(detection.crops, picture, candidates, side)
    outputs = await run_all(job, network, ((crop,) for crop in crops))
    return candidates, [np.stack(column) for column in zip(*outputs, strict=True)]


def _cut(picture: AreaSampler, min_face: float, sides: tuple[int, ...]) -> list[Tile]:
    levels = pyramid.levels(picture.height, picture.width, min_face)
    return [tile for level in levels for tile in pyramid.tiles(picture, level, sides)]
