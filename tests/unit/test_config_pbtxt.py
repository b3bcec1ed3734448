"""Every config.pbtxt and its variants hold to one pattern; a new model folder is held to it by itself."""

import io
import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from PIL import Image
from tritonclient.grpc import model_config_pb2 as pb

from darkroom import config

REPOSITORY = Path(__file__).parents[2] / "model_repository"
MODELS = sorted(path.parent for path in REPOSITORY.glob("*/config.pbtxt"))
FILES = sorted([*REPOSITORY.glob("*/config.pbtxt"), *REPOSITORY.glob("*/configs/*.pbtxt")])
BLOCKS = [
    *("name", "backend", "max_batch_size", "input", "output"),
    *("dynamic_batching", "instance_group", "model_warmup"),
]

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def parse(path: Path) -> pb.ModelConfig:
    return text_format.Parse(path.read_text(), pb.ModelConfig())


def is_task(parsed: pb.ModelConfig) -> bool:
    """A task takes a picture; other models, such as `jobs`, are helpers."""
    return any(tensor.name == "image" for tensor in parsed.input)


every_task_file = pytest.mark.parametrize(
    "path", [path for path in FILES if is_task(parse(path))], ids=lambda path: str(path.relative_to(REPOSITORY))
)
every_task = pytest.mark.parametrize(
    "model", [model for model in MODELS if is_task(parse(model / "config.pbtxt"))], ids=lambda model: model.name
)


def folder(path: Path) -> Path:
    return path.parent if path.name == "config.pbtxt" else path.parent.parent


def without_instances_and_sizes(parsed: pb.ModelConfig) -> pb.ModelConfig:
    rest = pb.ModelConfig()
    rest.CopyFrom(parsed)
    rest.ClearField("instance_group")
    rest.max_batch_size = 0
    rest.dynamic_batching.default_queue_policy.max_queue_size = 0
    return rest


def test_there_are_models() -> None:
    assert {"super_resolution", "denoise"} <= {model.name for model in MODELS}


@every_file
def test_identity_and_shape_of_the_file(path: Path) -> None:
    text = path.read_text()
    parsed = parse(path)
    assert parsed.name == folder(path).name
    assert parsed.backend == "python"
    assert not parsed.parameters, "a model learns its device from the instance kind, everything else from pipeline.json"
    assert not parsed.response_cache.enable
    assert len(text.splitlines()) < 60
    blocks = re.findall(r"^([a-z_]+)(?=[:\s]*[\[{\"\d])", text, re.MULTILINE)
    assert blocks == [block for block in BLOCKS if block in blocks]


@every_file
def test_every_number_says_what_it_is(path: Path) -> None:
    numbers = [line for line in path.read_text().splitlines() if re.match(r"[^#]*:\s*\[?\s*-?\d", line)]
    assert numbers
    assert not [line for line in numbers if "#" not in line]


@every_task_file
def test_a_task_takes_one_ragged_picture_and_answers_with_picture_and_report(path: Path) -> None:
    parsed = parse(path)
    (image,) = parsed.input
    assert (image.data_type, list(image.dims), image.allow_ragged_batch) == (pb.TYPE_UINT8, [-1], True)
    outputs = [(tensor.name, tensor.data_type, list(tensor.dims)) for tensor in parsed.output]
    assert outputs == [("image", pb.TYPE_UINT8, [-1]), ("report", pb.TYPE_STRING, [1])]
    assert parsed.max_batch_size > 0
    assert parsed.dynamic_batching.priority_levels == 2
    assert parsed.dynamic_batching.default_priority_level in (1, 2)
    assert not parsed.dynamic_batching.preserve_ordering, "a small job would wait for the large one before it"


@every_file
def test_the_queue_is_bounded_in_requests_and_time(path: Path) -> None:
    parsed = parse(path)
    assert parsed.HasField("dynamic_batching"), "without this block Triton has no queue policy at all"
    batching = parsed.dynamic_batching
    assert batching.HasField("default_queue_policy")
    for policy in [batching.default_queue_policy, *batching.priority_queue_policy.values()]:
        assert policy.max_queue_size > 0
        assert policy.timeout_action == pb.ModelQueuePolicy.REJECT
        if policy.allow_timeout_override:
            assert policy.default_timeout_microseconds > 0, "Triton ignores a request's timeout otherwise"


@every_file
def test_the_queue_gives_up_when_the_job_would(path: Path) -> None:
    policy = parse(path).dynamic_batching.default_queue_policy
    for file in folder(path).glob(f"*/{config.PIPELINE_FILE}"):
        for cpu in (False, True):
            deadline_s = config.load_pipeline(file.parent, cpu=cpu).limits.default_deadline_s
            assert policy.default_timeout_microseconds == deadline_s * 1e6


@every_file
def test_the_warm_up_sends_a_real_picture(path: Path) -> None:
    for sample in parse(path).model_warmup:
        tensor = sample.inputs["image"]
        content = (folder(path) / "warmup" / tensor.input_data_file).read_bytes()
        assert list(tensor.dims) == [len(content)]
        Image.open(io.BytesIO(content)).load()


@every_model
def test_variants_differ_from_the_a100_in_instances_and_sizes_only(model: Path) -> None:
    a100 = parse(model / "config.pbtxt")
    variants = {path.stem: parse(path) for path in model.glob("configs/*.pbtxt")}
    if not is_task(a100):
        assert not variants
        assert {group.kind for group in a100.instance_group} == {pb.ModelInstanceGroup.KIND_CPU}
        return
    assert set(variants) == {"cpu", "simulated"}
    assert {group.kind for group in a100.instance_group} == {pb.ModelInstanceGroup.KIND_GPU}
    for variant in variants.values():
        assert {group.kind for group in variant.instance_group} == {pb.ModelInstanceGroup.KIND_CPU}
        assert without_instances_and_sizes(variant) == without_instances_and_sizes(a100)


@every_task
def test_the_simulated_device_has_the_numbers_of_the_a100(model: Path) -> None:
    simulated, a100 = parse(model / "configs" / "simulated.pbtxt"), parse(model / "config.pbtxt")
    for group in a100.instance_group:
        group.kind = pb.ModelInstanceGroup.KIND_CPU
    assert simulated == a100
