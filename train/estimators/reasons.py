"""Why scikit-learn refused, in a sentence with a way out; its own sentences may hold values of the data."""

import re

_TEXTS = "it takes no texts; put a OneHotEncoder before it, or leave those columns out with --drop"
REASONS = {
    r"could not convert string to float|dtype='?numeric'? is not compatible|invalid literal for int": _TEXTS,
    r"contains? NaN|contains missing values": "it takes no missing values; put a SimpleImputer before it",
    r"Found unknown categories": "it takes no texts that it was not fitted on; set handle_unknown='ignore'",
    r"Mix of label input types|Unknown label type|Labels in y_true": "its classes are not of the target's kind",
    r"infinity or a value too large": "some numbers become too large in it",
}
LONGEST = 300


def reason(error: Exception) -> str:
    """Return one sentence about an error of scikit-learn's, or of a user's own step."""
    said = str(error).strip() or type(error).__name__
    for pattern, sentence in REASONS.items():
        if re.search(pattern, said):
            return sentence
    first = said.splitlines()[0].removesuffix(".")
    return first if len(first) <= LONGEST else f"{first[:LONGEST]} ..."
