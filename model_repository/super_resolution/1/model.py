"""Task super_resolution, version 1. The pipeline is darkroom.pipelines.super_resolution; its tunables
are in pipeline.json beside this file."""

from darkroom.pipelines.super_resolution import TASK
from darkroom.triton import TaskModel


class TritonPythonModel(TaskModel):
    task = TASK
