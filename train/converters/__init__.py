"""Exact ONNX converters for scikit-learn's estimators, registered with skl2onnx.

skl2onnx's own add up float32 numbers in an order that depends on threads, round thresholds to nearest, scale in
float32 and send missing values to one side. These compute what scikit-learn computes, in its order and its precision.
"""

from train.converters import ada_boost as ada_boost
from train.converters import averages as averages
from train.converters import calibration as calibration
from train.converters import decompositions as decompositions
from train.converters import encoders as encoders
from train.converters import forests as forests
from train.converters import functions as functions
from train.converters import gradient_boosting as gradient_boosting
from train.converters import hist_gradient_boosting as hist_gradient_boosting
from train.converters import imputers as imputers
from train.converters import linear as linear
from train.converters import naive_bayes as naive_bayes
from train.converters import neighbors as neighbors
from train.converters import neural_networks as neural_networks
from train.converters import one_vs_rest as one_vs_rest
from train.converters import polynomials as polynomials
from train.converters import power as power
from train.converters import quantiles as quantiles
from train.converters import scalers as scalers
from train.converters import selectors as selectors
from train.converters import stacking as stacking
from train.converters import support_vectors as support_vectors
from train.converters import targets as targets
from train.converters.answers import register_answers
from train.converters.forests import FOREST_CLASSIFIERS, FOREST_REGRESSORS, Leaves, leaves_of
from train.converters.graph import ML_DOMAIN, ML_OPSET
from train.converters.transformers import register_transformers
from train.converters.trees import fitted_trees, floor_to_float32

__all__ = [
    "FOREST_CLASSIFIERS",
    "FOREST_REGRESSORS",
    "ML_DOMAIN",
    "ML_OPSET",
    "Leaves",
    "fitted_trees",
    "floor_to_float32",
    "leaves_of",
    "register",
]


def register() -> None:
    """Make skl2onnx convert exactly what can be, alone or inside other estimators."""
    register_answers()
    register_transformers()
