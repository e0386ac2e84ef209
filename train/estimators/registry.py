"""The estimators that copse-train knows by name, and what each needs before it."""

from dataclasses import dataclass, field
from typing import Any

from sklearn import (
    discriminant_analysis,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    svm,
    tree,
)


@dataclass(frozen=True)
class Kind:
    """A named estimator: its classes, whether it wants columns of like size, whether it takes missing numbers."""

    classifier: Any = None
    regressor: Any = None
    scaled: bool = False
    takes_missing: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)  # where scikit-learn's own defaults are no good start

    def of(self, *, classifies: bool) -> Any:
        """Return the class for the task, or None."""
        return self.classifier if classifies else self.regressor


_FOREST = {"n_estimators": 250}
_LONG = {"max_iter": 1000}

KINDS: dict[str, Kind] = {
    "random-forest": Kind(
        ensemble.RandomForestClassifier, ensemble.RandomForestRegressor, takes_missing=True, parameters=_FOREST
    ),
    "extra-trees": Kind(
        ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor, takes_missing=True, parameters=_FOREST
    ),
    "decision-tree": Kind(tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, takes_missing=True),
    "gradient-boosting": Kind(ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor),
    "hist-gradient-boosting": Kind(
        ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor, takes_missing=True
    ),
    "ada-boost": Kind(ensemble.AdaBoostClassifier, ensemble.AdaBoostRegressor),
    "bagging": Kind(ensemble.BaggingClassifier, ensemble.BaggingRegressor),
    "logistic-regression": Kind(linear_model.LogisticRegression, scaled=True, parameters=_LONG),
    "linear-regression": Kind(regressor=linear_model.LinearRegression, scaled=True),
    "ridge": Kind(linear_model.RidgeClassifier, linear_model.Ridge, scaled=True),
    "lasso": Kind(regressor=linear_model.Lasso, scaled=True),
    "elastic-net": Kind(regressor=linear_model.ElasticNet, scaled=True),
    "sgd": Kind(linear_model.SGDClassifier, linear_model.SGDRegressor, scaled=True),
    "linear-svm": Kind(svm.LinearSVC, svm.LinearSVR, scaled=True, parameters={"max_iter": 10_000}),
    "svm": Kind(svm.SVC, svm.SVR, scaled=True),
    "k-neighbors": Kind(neighbors.KNeighborsClassifier, neighbors.KNeighborsRegressor, scaled=True),
    "gaussian-naive-bayes": Kind(naive_bayes.GaussianNB, scaled=True),
    "linear-discriminant-analysis": Kind(discriminant_analysis.LinearDiscriminantAnalysis, scaled=True),
    "quadratic-discriminant-analysis": Kind(discriminant_analysis.QuadraticDiscriminantAnalysis, scaled=True),
    "neural-network": Kind(neural_network.MLPClassifier, neural_network.MLPRegressor, scaled=True, parameters=_LONG),
}


def names(*, classifies: bool) -> list[str]:
    """Return the names of the estimators for a task."""
    return [name for name, kind in KINDS.items() if kind.of(classifies=classifies)]
