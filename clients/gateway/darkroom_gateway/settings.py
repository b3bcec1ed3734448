"""What an operator decides. Every setting is a command line switch of the same name too."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from darkroom_gateway.memory import share_of, total_memory

_SHARE = share_of(total_memory())
_ABOUT_SHARE = "by itself a sixteenth of the memory, 512 MiB to 4 GiB"


class Settings(BaseModel):
    """Sizes in bytes, times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    triton: str = Field(
        "127.0.0.1:8001", description="Darkroom server: host:port (gRPC), grpcs://, http:// or https://"
    )
    triton_ca: Path | None = Field(None, description="PEM file of the authorities to trust with grpcs:// and https://")
    name: str = Field(
        "",
        pattern=r"^[a-z0-9]{0,16}$",
        description="begins this gateway's job ids, so that a load balancer can route a job's URL by its path",
    )
    root_path: str = Field("", description="path under which a proxy serves the gateway, like /darkroom")
    default_task: str = Field("super_resolution", description="task of POST /process")

    max_bytes: PositiveInt = Field(256 * 2**20, description="largest picture file, bytes; the server has a limit too")
    held_pictures: PositiveInt = Field(256, description="pictures in work at a time; beyond it: busy, unread")
    held_bytes: PositiveInt = Field(
        _SHARE,
        description=f"uploads in work and results being sent together, bytes; beyond it: busy; {_ABOUT_SHARE}",
    )
    upload_s: PositiveFloat = Field(
        60.0, description="seconds in which a request must have arrived, but for what --upload-bytes-per-s grants"
    )
    upload_bytes_per_s: PositiveInt = Field(
        2**20, description="for every so many bytes that arrived a request has a second more"
    )

    deadline_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        30.0, description="seconds a caller who waits is given, if he names no deadline_s"
    )
    job_deadline_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        600.0, description="seconds an asynchronous job is given, if its caller names no deadline_s"
    )
    unfinished_jobs: PositiveInt = Field(64, description="asynchronous jobs at a time; beyond it: busy")
    kept_results: PositiveInt = Field(256, description="finished jobs kept; beyond it the oldest goes")
    kept_bytes: PositiveInt = Field(
        _SHARE, description=f"pictures of finished jobs, bytes; beyond it the oldest goes; {_ABOUT_SHARE}"
    )
    kept_s: PositiveFloat = Field(600.0, description="seconds for which a finished job is kept")

    api_keys: Path | None = Field(
        None, description="TOML file of API keys and their limits; without it no key is needed"
    )
    otlp_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="OpenTelemetry collector (OTLP over HTTP), like http://127.0.0.1:4318; without it no traces",
    )
    trace_share: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, description="share of the requests that are traced, of those whose caller sends no traceparent"
    )
    cors_origins: tuple[str, ...] = Field((), description="origins whose pages may call the gateway; * for all")
    page: bool = Field(True, description="serve the web page at /")
