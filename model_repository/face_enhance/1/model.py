"""Task face_enhance, version 1: see darkroom.pipelines.face_enhance; its tunables are in pipeline.json beside this."""

from darkroom.pipelines.face_enhance import TASK
from darkroom.triton import TaskModel


class TritonPythonModel(TaskModel):
    task = TASK
