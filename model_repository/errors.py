"""What can be wrong with a model repository.

RepositoryError
├── InvalidName         a model name that could not be a folder's
├── NotPublished        no such model or version, or nothing is current
├── Damaged             a version that is there and must not be served
└── PublishFailed       the disk refused; what was published before is untouched
"""


class RepositoryError(Exception):
    """Base of all errors of this package; its text is one sentence for a person."""


class InvalidName(RepositoryError):
    """The model's name is not lower-case letters, digits, dots, dashes or underscores."""


class NotPublished(RepositoryError):
    """The repository has no such model or version."""


class Damaged(RepositoryError):
    """The version's files are not what its publisher wrote."""


class PublishFailed(RepositoryError):
    """The file system refused a write; nothing has changed."""
