"""Not a task: tells what the tasks are doing, and cancels jobs by id. Runs on the CPU, computes nothing."""

from darkroom.triton import JobsModel


class TritonPythonModel(JobsModel):
    pass
