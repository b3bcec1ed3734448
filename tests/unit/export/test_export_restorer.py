"""A user's face restorer: recognised, coated, measured and published, or refused with a sentence."""

import argparse
import json
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from darkroom.config import load_networks, load_pipeline
from darkroom.faces.area import Pixels
from export import run
from export.errors import ExportError
from export.parity import session
from export.recipe import Facts, Network
from export.recipes import face_enhance
from export.restorer import portrait, probe
from export.sources import Weights
from tests import restorers


@pytest.fixture
def task(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A face_enhance with one version in a repository of its own, whose recipe makes nothing but the restorer."""
    monkeypatch.setattr(face_enhance, "NETWORKS", tuple(map(stand_in, (n.name for n in face_enhance.NETWORKS))))
    version = tmp_path / "repository" / "face_enhance" / "1"
    version.mkdir(parents=True)
    for file in ("model.py", "pipeline.json"):
        shutil.copy(repository / "face_enhance" / "1" / file, version)
    return version.parent


def stand_in(name: str) -> Network:
    def make(files: Mapping[str, bytes], folder: Path) -> Facts:
        (folder / f"{name}.onnx").write_bytes(b"graph")
        return {}

    return Network(name, Weights(name, "stand-in", "CC0", "this test", {}), make)


def publish(task: Path, file: Path, *options: str) -> Path:
    parser = argparse.ArgumentParser()
    face_enhance.RECIPE.arguments(parser)
    arguments = parser.parse_args(["--restorer", str(file), *options])
    arguments.repository, arguments.force = task.parent, False
    return run.export(face_enhance.RECIPE, arguments, lambda line: None)


def face() -> Pixels:
    return portrait.face(portrait.photograph(), 512)


def record(version: Path, name: str) -> dict[str, Any]:
    return load_networks(version)[name].model_dump()


def test_a_gfpgan_shaped_file_is_published(task: Path, tmp_path: Path) -> None:
    file = restorers.gfpgan_shaped(tmp_path / "GFPGANv1.4.onnx")
    version = publish(task, file, "--restorer-licence", "Apache-2.0")

    assert version.name == "2"
    found = record(version, "gfpganv1_4")
    assert found["values"] == "signed"
    assert found["weights"] == "GFPGANv1.4.onnx"
    assert found["licence"] == "Apache-2.0"
    assert found["seconds_a_face"] > 0
    assert set(found["portrait"]) == {"worn", "restored"}
    tunables = load_pipeline(version, cpu=True)
    assert tunables.networks["gfpganv1_4"].max_batch is None  # it says one picture at a time, and can do more
    assert tunables.options["restorer"] == "gfpganv1_4"
    assert tunables.options["restorers"]["gfpganv1_4"] == {"sides": [512]}
    assert "realesrgan_x4plus" in tunables.options["restorers"]

    (output,) = session(version / "gfpganv1_4.onnx").run(None, {"image": face()[None]})
    (raw,) = session(file).run(["output"], {"input": face().transpose(2, 0, 1)[None] / np.float32(127.5) - 1})
    wanted = np.rint(np.clip((raw[0].transpose(1, 2, 0) + 1) * 127.5, 0, 255))
    assert np.abs(output[0].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize(
    ("weight_shape", "batch", "batched"), [((), 1, False), ((1,), 1, True), (("n",), "n", True), (("n", 1), "n", True)]
)
def test_a_codeformer_shaped_file_is_published(
    task: Path, tmp_path: Path, weight_shape: tuple[int | str, ...], batch: int | str, batched: bool
) -> None:
    file = restorers.codeformer_shaped(tmp_path / "codeformer.onnx", weight_shape=weight_shape, batch=batch)
    version = publish(task, file, "--restorer-weight", "0.7", "--restorer-name", "mine")

    tunables = load_pipeline(version, cpu=True)
    assert tunables.options["restorers"]["mine"] == {"sides": [512], "weight": 0.7}
    assert tunables.networks["mine"].max_batch == (None if batched else 1)
    network = session(version / "mine.onnx")
    crop = portrait.face(portrait.worn(portrait.photograph()), 512)[None]
    restored, kept = (network.run(None, {"image": crop, "weight": np.array([w], np.float32)})[0] for w in (0.0, 1.0))
    assert np.abs(kept.astype(int) - restored).mean() > 5


@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_the_range_0_to_1_and_every_float_type_are_recognised(task: Path, tmp_path: Path, element: int) -> None:
    version = publish(task, restorers.unit_range(tmp_path / "soft.onnx", element=element))
    assert record(version, "soft")["values"] == "unit"
    assert load_pipeline(version, cpu=False).networks["soft"].max_batch is None


def test_a_file_that_tells_no_range_must_be_told_one(task: Path, tmp_path: Path) -> None:
    file = restorers.unchanged(tmp_path / "same.onnx")
    with pytest.raises(ExportError, match=r"cannot be told .* state it with --restorer-range"):
        publish(task, file)
    version = publish(task, file, "--restorer-range", "unit")
    (output,) = session(version / "same.onnx").run(None, {"image": face()[None]})
    np.testing.assert_array_equal(output[0], face())


def test_publishing_again_changes_nothing(task: Path, tmp_path: Path) -> None:
    file = restorers.gfpgan_shaped(tmp_path / "g.onnx")
    assert publish(task, file) == publish(task, file)
    assert sorted(path.name for path in task.iterdir()) == ["1", "2"]


def test_each_version_has_its_own_restorer(task: Path, tmp_path: Path) -> None:
    publish(task, restorers.gfpgan_shaped(tmp_path / "first.onnx"))
    version = publish(task, restorers.codeformer_shaped(tmp_path / "second.onnx"))
    assert version.name == "3"
    for cpu in (True, False):
        tunables = load_pipeline(version, cpu=cpu)
        assert set(tunables.networks) == set(load_networks(version))
        assert set(tunables.options["restorers"]) == {"realesrgan_x4plus", "second"}


def refused(task: Path, file: Path, sentence: str, *options: str) -> None:
    with pytest.raises(ExportError, match=sentence):
        publish(task, file, *options)
    assert [path.name for path in task.iterdir()] == ["1"]


def test_random_noise_is_refused(task: Path, tmp_path: Path) -> None:
    file = restorers.gfpgan_shaped(tmp_path / "g.onnx", noise=True)
    refused(task, file, "another picture each time: it draws random noise", "--restorer-range", "signed")


def test_what_restores_no_face_is_refused(task: Path, tmp_path: Path) -> None:
    file = restorers.upside_down(tmp_path / "g.onnx")
    refused(task, file, r"is no face restorer: what it makes of a portrait is [\d.]+ dB", "--restorer-range", "signed")


def test_another_size_is_refused(task: Path, tmp_path: Path) -> None:
    file = restorers.gfpgan_shaped(tmp_path / "g.onnx", side=256)
    refused(task, file, r"must take \[n, 3, 512, 512\]; it takes input float32 \[1, 3, 256, 256\]")


def test_three_inputs_are_refused(task: Path, tmp_path: Path) -> None:
    ports = [restorers.port(name, [1, 3, 512, 512]) for name in "abc"]
    file = restorers.save(
        tmp_path / "g.onnx", [helper.make_node("Sum", ["a", "b", "c"], ["d"])], ports, [restorers.port("d", [1])], []
    )
    refused(task, file, "must have one picture input .* and at most one number beside it")


def test_a_foreign_operator_set_is_refused(task: Path, tmp_path: Path) -> None:
    shape = [1, 3, 512, 512]
    node = helper.make_node("Upfirdn", ["a"], ["b"], domain="org.example")
    file = restorers.save(
        tmp_path / "g.onnx",
        [node],
        [restorers.port("a", shape)],
        [restorers.port("b", shape)],
        [],
        domain="org.example",
    )
    refused(task, file, "needs operators of org.example")


def test_an_old_opset_is_refused(task: Path, tmp_path: Path) -> None:
    shape = [1, 3, 512, 512]
    node = helper.make_node("Identity", ["a"], ["b"])
    file = restorers.save(
        tmp_path / "g.onnx", [node], [restorers.port("a", shape)], [restorers.port("b", shape)], [], opset=9
    )
    refused(task, file, "opset 9; at least 11 is needed")


def test_weights_in_another_file_are_refused(task: Path, tmp_path: Path) -> None:
    model = onnx.load(str(restorers.gfpgan_shaped(tmp_path / "g.onnx")))
    onnx.save(model, str(tmp_path / "h.onnx"), save_as_external_data=True, size_threshold=0, location="etc.bin")
    refused(task, tmp_path / "h.onnx", "keeps weights in other files")


def test_damaged_onnx_is_refused(task: Path, tmp_path: Path) -> None:
    content = restorers.gfpgan_shaped(tmp_path / "g.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: len(content) // 2])
    refused(task, tmp_path / "cut.onnx", "cut.onnx is not a valid ONNX file")
    (tmp_path / "text.onnx").write_bytes(b"hello, hello")
    refused(task, tmp_path / "text.onnx", "text.onnx is not a valid ONNX file")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this code ran",))


def test_pickled_code_is_refused_and_never_run(task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"params_ema": Evil()}, tmp_path / "g.pth")
    refused(task, tmp_path / "g.pth", "cannot be read as tensors alone .* pickled code")
    (tmp_path / "old.ckpt").write_bytes(pickle.dumps(Evil()))
    refused(task, tmp_path / "old.ckpt", "cannot be read as tensors alone")
    assert "this code ran" not in capsys.readouterr().out


def test_a_checkpoint_of_no_known_architecture_is_refused(task: Path, tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(3, 3, 3, 3)}, tmp_path / "g.pth")
    refused(task, tmp_path / "g.pth", "of no architecture that spandrel knows")


def test_a_checkpoint_that_restores_no_faces_is_refused(task: Path, tmp_path: Path) -> None:
    from spandrel.architectures.Compact import Compact

    torch.save(Compact(num_feat=8, num_conv=1).state_dict(), tmp_path / "g.pth")
    refused(task, tmp_path / "g.pth", "recognised as Compact, which restores no faces")


@pytest.mark.slow
def test_a_checkpoint_is_recognised_exported_and_published(
    task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import save_file
    from spandrel.architectures.RestoreFormer import RestoreFormer

    torch.manual_seed(0)
    # The real architecture, as narrow as its group norms allow; untrained, it restores no face.
    network = RestoreFormer(
        n_embed=64, embed_dim=32, ch=32, ch_mult=(1, 1, 1, 1, 1, 1), num_res_blocks=1, z_channels=32
    )
    save_file(network.state_dict(), tmp_path / "RestoreFormer.safetensors")
    monkeypatch.setattr(probe, "FOLLOWS_DB", 0.0)
    version = publish(task, tmp_path / "RestoreFormer.safetensors")
    assert record(version, "restoreformer")["recognised"] == "RestoreFormer"
    assert record(version, "restoreformer")["parity"]["max_mean"] < 0.02
    planes = face().transpose(2, 0, 1)[None] / np.float32(127.5) - 1
    with torch.inference_mode():
        wanted = network.eval()(torch.from_numpy(planes))[0][0].permute(1, 2, 0).numpy()
    (output,) = session(version / "restoreformer.onnx").run(None, {"image": face()[None]})
    assert np.abs(output[0] - np.clip((wanted + 1) * 127.5, 0, 255)).max() <= 2


@pytest.mark.parametrize(("name", "sentence"), [("g.zip", "neither an ONNX file"), ("none.onnx", "is not a file")])
def test_other_files_are_refused(task: Path, tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "g.zip").write_bytes(b"Rar!")
    refused(task, tmp_path / name, sentence)


@pytest.mark.parametrize("options", [("--restorer-name", "Mine!"), ("--restorer-weight", "1.5")])
def test_options_out_of_range_are_refused(task: Path, tmp_path: Path, options: tuple[str, str]) -> None:
    refused(task, restorers.gfpgan_shaped(tmp_path / "g.onnx"), f"{options[0]} must be", *options)


def test_a_damaged_safetensors_file_is_refused(task: Path, tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}).encode()
    (tmp_path / "g.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"short")
    refused(task, tmp_path / "g.safetensors", "cannot be read as tensors alone")
