"""A graphics card on paper: published figures and what networks get out of them, each with its source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sourced:
    """A number, and who says so."""

    value: float
    source: str


@dataclass(frozen=True)
class Card:
    """What arithmetic needs to know of a card and of the software on it."""

    name: str
    flops: Sourced
    """fp16 tensor-core operations a second at their peak, without sparsity."""
    utilisation: Sourced
    """Share of it that convolutions of such networks get."""
    bandwidth: Sourced
    """Bytes a second of its memory."""
    bandwidth_utilisation: Sourced
    """Share of it that a kernel gets."""
    kernel_s: Sourced
    """Least seconds a kernel takes, launch included."""
    host_s: Sourced
    """Seconds a batch spends outside the kernels: binding, launching, waiting."""
    bus: Sourced
    """Bytes a second between host and card."""
    diffusion_base_s: Sourced
    diffusion_unit_s: Sourced
    """Seconds a batch and a latent of Stable Diffusion 1.5's UNet at 512x512."""


DIFFUSERS = (
    "Stable Diffusion 1.5, img2img, 512x512, compiled, on an A100 (diffusers' documentation, 2023): 46.32 steps/s for "
    "one picture, 17.25 for four, two latents each"
)

A100 = Card(
    name="NVIDIA A100, 40 GB",
    flops=Sourced(312e12, "NVIDIA A100 datasheet: 312 TFLOP/s FP16 tensor core, dense"),
    utilisation=Sourced(
        0.25,
        "between 0.13 and 0.36, by dividing published speeds by counted operations: RRDBNet x4, TensorRT FP16, 512x512 "
        "at 5 frames/s on an L40S of 362 TFLOP/s (README of ComfyUI-Upscaler-Tensorrt), 0.13; Real-ESRGAN x2plus, "
        "TensorRT, 1280x720 at 3.35 frames/s on an RTX 4060 Ti of 88 TFLOP/s (vs-realesrgan, issue 29), 0.31; the UNet "
        "of Stable Diffusion 1.5 on an A100, 6.06 ms a latent (diffusers' documentation; 339 GMAC), 0.36",
    ),
    bandwidth=Sourced(1555e9, "NVIDIA A100 datasheet: 1,555 GB/s, 40 GB HBM2"),
    bandwidth_utilisation=Sourced(0.7, "assumed: streaming kernels reach 0.85-0.9, convolutions read their halo twice"),
    kernel_s=Sourced(
        8.5e-6,
        "ResNet-50, TensorRT 8.4 INT8 on an A100, 0.46 ms for one picture and 54 layers "
        "(NVIDIA TensorFlow Quantization Toolkit, model zoo)",
    ),
    host_s=Sourced(
        1.5e-3,
        "ResNet-50, ONNX Runtime with TensorRT FP16 in Triton on an A100: 2.13 ms for 1 picture, 5.79 ms for 16 "
        "(NVIDIA DeepLearningExamples, ConvNets/triton/resnet50), so 1.9 ms a batch, less 54 kernels",
    ),
    bus=Sourced(
        16e9, "PCIe 4.0 x16 is 31.5 GB/s (NVIDIA A100 datasheet); half of it, since our buffers are not pinned"
    ),
    diffusion_base_s=Sourced(9.5e-3, DIFFUSERS),
    diffusion_unit_s=Sourced(6.06e-3, DIFFUSERS),
)
