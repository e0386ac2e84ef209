"""What can stop a training, and the exit code that says so.

TrainingError           1   the disk, or something else that may be better next time
├── BadInput            2   what trying again does not help
│   ├── BadData             the data cannot be trained on as it is
│   ├── BadEstimator        the estimator cannot be made, loaded or fitted
│   └── BadParameter        an option cannot be used
└── ExportRefused       3   the export does not answer as the model did, or its graph is not vouched for
"""


class TrainingError(Exception):
    """Base of all errors of this package; its text is for a person. Nothing was published."""

    exit_code = 1


class BadInput(TrainingError):
    """What was given cannot be used; trying again does not help."""

    exit_code = 2


class BadData(BadInput):
    """The data cannot be trained on as it is; the text says what, where, and what was expected."""


class BadEstimator(BadInput):
    """The estimator cannot be made, loaded or fitted."""


class BadParameter(BadInput):
    """An option of the command line cannot be used."""


class ExportRefused(TrainingError):
    """The gate before publishing found the export different, or found something in its graph."""

    exit_code = 3
