"""scikit-learn's own checks and tests, with our estimators in place of its own.

They run in processes of their own: SCIPY_ARRAY_API must be set before SciPy is imported, and
scikit-learn's tests do not take warnings for errors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parent.parent / "src")
CHECKS = """
import json, sys, warnings
import pandas, scipy
import handgrad as hg
from sklearn.utils.estimator_checks import check_estimator

warnings.simplefilter("ignore")
estimator = getattr(hg, sys.argv[1])()
if len(sys.argv) > 2:  # test the test: an estimator that keeps nothing of what it learned
    type(estimator).predict = lambda self, X: [0]
found = check_estimator(estimator, on_fail=None, on_skip=None)
kinds = {status: [f["check_name"] for f in found if f["status"] == status] for status in
         ("passed", "failed", "xfail", "skipped")}
print(json.dumps(kinds))
"""
THEIRS = """
import pytest
import handgrad as hg
from sklearn.neural_network.tests import test_mlp as theirs

theirs.MLPClassifier, theirs.MLPRegressor = hg.MLPClassifier, hg.MLPRegressor
from sklearn.neural_network.tests.test_mlp import *
del test_gradient  # asks for a private method; tests/test_estimators.py does the same

@pytest.fixture
def global_random_seed():
    return 0
"""


def alone(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONPATH": SOURCE, "SCIPY_ARRAY_API": "1", "OMP_NUM_THREADS": "1"}
    own["PYTEST_ADDOPTS"] = ""  # those of the run that this is part of
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **own},
        **options,
    )


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_check_of_scikit_learn_passes(name):
    done = alone("-c", CHECKS, name)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == found["xfail"] == []
    # What has no decision_function, as scikit-learn's has none, cannot be asked for its format.
    assert set(found["skipped"]) <= {"check_classifiers_multilabel_output_format_decision_function"}
    assert len(found["passed"]) > 50


@pytest.mark.slow
def test_a_broken_estimator_does_not_pass():
    done = alone("-c", CHECKS, "MLPClassifier", "broken")
    assert "check_classifiers_train" in json.loads(done.stdout)["failed"]


@pytest.mark.slow
def test_scikit_learns_tests_of_its_own_perceptron_pass(tmp_path):
    (tmp_path / "test_theirs.py").write_text(THEIRS, "utf-8")
    done = alone("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.splitlines()[-1].split(" passed")[0].split()[-1]) > 50
