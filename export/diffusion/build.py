"""One network of a version and the files that go with it, written into a folder."""

import json
from pathlib import Path
from typing import Any

from darkroom.diffusion.facts import FACTS_FILE, SCHEDULER_FILE, TOKENIZER_FILE
from export.diffusion import networks
from export.diffusion.components import Components
from export.diffusion.describe import describe, describe_prompt


def build(network: str, components: Components, folder: Path, dtype: str, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Write `folder/<network>.onnx` and what belongs to it; returns facts for its record.

    text_encoder comes with the tokenizer, vae_encoder with `diffusion.json`, unet with the scheduler's configuration.
    `dtype`: fp32 | fp16. `sizes`: sides of the square buckets, default first. Raises ExportError.
    """
    path = folder / f"{network}.onnx"
    side = int(components.config("unet")["sample_size"])
    latent = int(components.config("unet")["in_channels"]) * side * side
    prompt = describe_prompt(components)
    if network == "text_encoder":
        components.tokenizer().backend_tokenizer.save(str(folder / TOKENIZER_FILE))
        graph = networks.text_encoder(components.text_encoder(), prompt.length)
        simulated = {"simulated": "compute", "simulated_unit": 10 * prompt.length}
    elif network == "vae_encoder":
        facts = describe(components, sizes)
        (folder / FACTS_FILE).write_text(facts.model_dump_json(indent=2) + "\n")
        graph = networks.vae_encoder(components.vae())
        pixels = 3 * (side * facts.latent_factor) ** 2
        simulated = {"simulated": "compute", "simulated_unit": 2 * pixels}
    elif network == "unet":
        (folder / SCHEDULER_FILE).write_text(json.dumps(dict(components.scheduler_config()), indent=2) + "\n")
        graph = networks.unet(components.unet(), prompt.length)
        simulated = {"simulated": "echo", "simulated_unit": latent}
    else:
        graph = networks.vae_decoder(components.vae())
        simulated = {"simulated": "compute", "simulated_unit": latent * 2 // 3}
    # A simulated device's unit is one UNet pass at the size the model was trained for. By arithmetic a prompt costs a
    # fiftieth of it (a tenth here: it is all launch overhead), the VAE's encoder half, its decoder one and a half.
    return {**networks.write(graph, path, dtype), **simulated}
