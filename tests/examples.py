"""The two worked examples of the origin, in the order of the data set's columns, and small recipes."""

from train.recipe import Recipe

BENIGN = [
    *(11.85, 17.12, 76.50, 440.6, 0.0945, 0.0703, 0.0401, 0.0382, 0.1760, 0.0598),
    *(0.280, 1.210, 1.590, 21.30, 0.0065, 0.0180, 0.0215, 0.0182, 0.0201, 0.0035),
    *(13.10, 22.40, 86.20, 520.3, 0.1180, 0.2150, 0.2200, 0.0990, 0.2850, 0.0760),
]
MALIGNANT = [
    *(17.99, 10.38, 122.8, 1001.0, 0.1184, 0.2776, 0.3001, 0.1471, 0.2419, 0.07871),
    *(1.095, 0.905, 8.589, 153.4, 0.0064, 0.049, 0.0537, 0.01857, 0.03003, 0.00619),
    *(25.38, 17.33, 184.6, 2019.0, 0.1622, 0.6656, 0.7119, 0.2654, 0.4601, 0.1189),
]


def forest_of(trees: int, seed: int = 42) -> Recipe:
    """Return the recipe of a random forest of so many trees."""
    return Recipe(parameters={"n_estimators": trees}, seed=seed)
