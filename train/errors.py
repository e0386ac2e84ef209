"""What can stop a training, and the exit code that says so.

TrainingError           1   the data or the disk
├── BadData             1   the data cannot be trained on as it is
└── ExportRefused       3   the export does not answer as the model did, or its graph is not vouched for
"""


class TrainingError(Exception):
    """Base of all errors of this package; its text is for a person. Nothing was published."""

    exit_code = 1


class BadData(TrainingError):
    """The data cannot be trained on as it is; the text says what, where, and what was expected."""


class ExportRefused(TrainingError):
    """The gate before publishing found the export different, or found something in its graph."""

    exit_code = 3
