"""Options and marks of the tests."""

import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="write tests/golden anew, then look at the diff",
    )

    parser.addoption(
        "--sweeps",
        action="store_true",
        help="run every case of the large sweeps too; without it a part of each is run",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the rest of the sweeps out unless they are asked for."""
    if config.getoption("--sweeps"):
        return
    kept = [item for item in items if not item.get_closest_marker("sweep")]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def rewrite_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite-golden"))


@pytest.fixture
def interruptible():
    """A shell's background job, which the tests may be, ignores the interrupt and hands that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
