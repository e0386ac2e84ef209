"""A model that notes what it was asked."""

from model_repository import PublishedVersion
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs


class Counting(LoadedModel):
    """A model that notes how many rows each of its runs has, and may lack the memory for more than some."""

    def __init__(self, published: PublishedVersion) -> None:
        super().__init__(published)
        self.runs: list[int] = []
        self.most = 1_000

    def predict(self, rows: Inputs) -> Answers:
        """Answer rows as the model does."""
        self.runs.append(len(rows))
        if len(rows) > self.most:
            raise MemoryError
        return super().predict(rows)
