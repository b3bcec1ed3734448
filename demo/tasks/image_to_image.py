"""Image to image: with the tiny random pipeline it shows that everything runs, and says so; nothing to admire."""

from collections.abc import Iterator, Sequence

from demo import degrade
from demo.photos import photo
from demo.pictures import Picture, png
from demo.samples import Check, Demo, Outcome, Sample, equal

PROMPT = "a watercolour of a cat"
SEED = 7
SCHEDULERS = ("ddim", "euler")


def samples() -> Iterator[Sample]:
    of = photo("chelsea")
    for scheduler in SCHEDULERS:
        yield Sample(
            name=f"chelsea-{scheduler}",
            group="random weights: for testing",
            title=f"{of.title}, {scheduler}",
            photo=of,
            recipe=f'Prompt "{PROMPT}", strength 0.5, 8 steps, seed {SEED}, PNG.',
            before=Picture("before", png(degrade.whole(of.pixels))),
            options={"prompt": PROMPT, "strength": 0.5, "steps": 8, "seed": SEED, "scheduler": scheduler},
            tell=lambda outcome: f"Weights: {outcome.report['weights']}.",
        )


def checks(outcomes: Sequence[Outcome]) -> list[Check]:
    return [
        equal(f"{outcome.sample.name}: seed in the report", str(outcome.report["seed"]), str(SEED))
        for outcome in outcomes
    ]


DEMO = Demo(
    "image_to_image",
    "Image to image",
    "Stable Diffusion under a prompt. Without a model of yours it is a tiny pipeline with random weights.",
    samples,
    checks,
    order=40,
)
