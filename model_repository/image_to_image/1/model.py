"""Task image_to_image: the pipeline is darkroom.pipelines.image_to_image, its tunables are in pipeline.json beside this
file."""

from darkroom.pipelines.image_to_image import TASK
from darkroom.triton import TaskModel


class TritonPythonModel(TaskModel):
    task = TASK
