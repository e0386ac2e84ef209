"""The default model, loaded once."""

import pytest

from model_repository import PublishedVersion
from serve.model import LoadedModel


@pytest.fixture(scope="session")
def default_model(published: PublishedVersion) -> LoadedModel:
    """Return the default model."""
    return LoadedModel(published)
