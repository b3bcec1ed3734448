"""Finding the faces of one picture: three networks, each judging what the one before let through. Candidates of all
jobs share batches."""

from collections.abc import Iterable

import numpy as np

from darkroom.engine import Job, Work
from darkroom.faces import detection, pyramid
from darkroom.faces.area import AreaSampler, Pixels
from darkroom.faces.detection import Candidates, Face
from darkroom.faces.pyramid import Tile
from darkroom.network import Array, Network, Unit
from darkroom.pipelines.face_enhance_options import FaceEnhanceOptions, FaceSettings
from darkroom.version import ModelVersion

PNET, RNET, ONET = "mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet"
RNET_SIDE, ONET_SIDE = 24, 48
TYPICAL = {RNET: 60, ONET: 8}
"""Candidates that a photo with a face or two sends to the later networks: unknown until it has been looked at."""


def detection_work(
    version: ModelVersion, settings: FaceSettings, height: int, width: int, min_face: int
) -> tuple[Work, ...]:
    """The expected price of `detect`; () for a picture that no face of that size fits into."""
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
) -> list[Face]:
    """The faces of uint8 `[h, w, 3]`, in reading order."""
    networks = version.networks
    height, width, _ = pixels.shape
    if not pyramid.levels(height, width, options.min_face):
        return []
    picture = await job.in_pool(AreaSampler, pixels)

    tiles = await job.in_pool(_cut, picture, options.min_face, settings.tile_sides)
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
    faces = await job.in_pool(detection.faces, found, scores, offsets, landmarks, options.threshold)
    return detection.choose(faces, options.min_face, options.max_faces)


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


def _cut(picture: AreaSampler, min_face: int, sides: tuple[int, ...]) -> list[Tile]:
    levels = pyramid.levels(picture.height, picture.width, min_face)
    return [tile for level in levels for tile in pyramid.tiles(picture, level, sides)]
