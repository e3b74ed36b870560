"""scikit-learn's ``MLPClassifier`` and ``MLPRegressor`` over the derivation and the engines here.

MLPClassifier(hidden_layer_sizes=(32,)).fit(X, y).predict(X)     the same words, the same numbers
"""

from importlib.util import find_spec

if find_spec("sklearn") is None:
    raise ModuleNotFoundError(
        'MLPClassifier and MLPRegressor need scikit-learn: pip install "handgrad[sklearn]".',
        name="sklearn",
    )
