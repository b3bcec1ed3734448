"""scheduler_config.json: what a model folder says about the noise it was trained on, and how to walk back."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.config import ConfigError
from darkroom.diffusion.facts import SCHEDULER_FILE, SchedulerName

_DEFAULTS: dict[SchedulerName, dict[str, Any]] = {
    "ddim": {"clip_sample": True, "timestep_spacing": "leading"},
    "euler": {"timestep_spacing": "linspace"},
    "dpmpp_2m": {"timestep_spacing": "linspace"},
    "lcm": {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "timestep_spacing": "leading"},
}
"""diffusers' own, where its schedulers differ."""


class ScheduleConfig(BaseModel):
    """diffusers' keys. Those that would change the picture and that we do not know are refused, all others ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    num_train_timesteps: int = Field(1000, ge=1)
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    beta_start: float = 0.0001
    beta_end: float = 0.02
    trained_betas: tuple[float, ...] | None = None
    rescale_betas_zero_snr: bool = False
    prediction_type: Literal["epsilon", "sample", "v_prediction"] = "epsilon"
    timestep_spacing: Literal["leading", "trailing", "linspace"] = "leading"
    steps_offset: int = 0
    set_alpha_to_one: bool = True
    clip_sample: bool = False
    clip_sample_range: float = 1.0
    use_karras_sigmas: bool | None = False
    sigma_min: float | None = None
    sigma_max: float | None = None
    final_sigmas_type: Literal["zero", "sigma_min"] = "zero"
    lower_order_final: bool = True
    euler_at_final: bool = False
    original_inference_steps: int = Field(50, ge=1)
    timestep_scaling: float = 10.0

    thresholding: Literal[False] = False
    use_exponential_sigmas: Literal[False] | None = False
    use_beta_sigmas: Literal[False] | None = False
    use_lu_lambdas: Literal[False] | None = False
    use_flow_sigmas: Literal[False] | None = False
    interpolation_type: Literal["linear"] = "linear"
    timestep_type: Literal["discrete"] = "discrete"

    @property
    def clip(self) -> float | None:
        """Bound of the clean latent; None for no bound."""
        return self.clip_sample_range if self.clip_sample else None


def read_config(name: SchedulerName, config: Mapping[str, Any]) -> ScheduleConfig:
    """`config` as scheduler `name` understands it. Raises ConfigError that names the key and what is allowed."""
    # Values that the folder's own scheduler had by default only are left to the defaults of the one that is used.
    defaulted = {"_use_default_values", *config.get("_use_default_values", ())}
    said = {key: value for key, value in config.items() if key not in defaulted}
    try:
        return ScheduleConfig.model_validate(_DEFAULTS[name] | said)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{SCHEDULER_FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
