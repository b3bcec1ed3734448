"""Task denoise, version 1. The pipeline is darkroom.pipelines.denoise; its tunables
are in pipeline.json beside this file."""

from darkroom.pipelines.denoise import TASK
from darkroom.triton import TaskModel


class TritonPythonModel(TaskModel):
    task = TASK
