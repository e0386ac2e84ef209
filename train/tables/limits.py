"""The limits of what is read, and the marks of a missing value; docs/data.md tells them to people."""

LEAST_ROWS = 10
MOST_COLUMNS = 2_000
MOST_CATEGORIES = 1_000  # different texts in a column, and classes
MOST_CLASSES_OF_NUMBERS = 20  # a target of more different whole numbers is taken for regression
RARE_ROWS = 10  # a text in fewer rows is called rare
FEW_TEXTS = 50  # with more than these, nearly every row its own text is no category
LARGEST_EXACT = 2**24  # beyond it float32 does not hold every whole number

# In a CSV file these cells are missing values, in any case. In Parquet only null, NaN and the empty text are.
MISSING_MARKS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "?"})
EMPTY_ONLY = frozenset({""})
