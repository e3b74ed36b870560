"""Four devices in one process, and two processes on loopback, against one device of this process."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from numpy.testing import assert_allclose
from tests.many_devices import ASKED, RUNS, problem, shown

import handgrad as hg
from handgrad.errors import InputError

pytest.importorskip("jax")
ROOT = Path(__file__).parents[1]
FORCED = "--xla_force_host_platform_device_count={}"


def begun(*arguments, forced=0, module="tests.many_devices"):
    """A fresh process: JAX counts its devices when it begins."""
    flags = {"XLA_FLAGS": FORCED.format(forced)} if forced else {}
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **flags}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, cwd=ROOT, **pipe)


def found_by(process):
    said, trouble = process.communicate(timeout=240)
    assert process.returncode == 0, trouble
    return json.loads(re.search(r"(?m)^found (.*)$", said)[1])


def assert_is_one_device(found, name):
    alone = shown(hg.train(problem(name), **ASKED[name], engine="numpy"))
    assert found["stopped"] == alone["stopped"]
    for part in ("parameters", "history"):
        for key, values in alone[part].items():
            assert_allclose(found[part][key], values, rtol=1e-11, atol=1e-13, err_msg=key)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Runs over four devices that XLA was told to have."""
    place = tmp_path_factory.mktemp("four")
    return place, found_by(begun(4, place, 0, forced=4))


@pytest.mark.parametrize("name", RUNS)
def test_four_devices_train_as_one(four, name):
    _, found = four
    assert found[name]["spread"] == 4
    assert found[name]["sums"] > 0, "every device does all of the work"
    assert_is_one_device(found[name], name)


def test_a_comparison_with_another_run_says_no(four):
    _, found = four
    with pytest.raises(AssertionError):
        assert_is_one_device(
            {**found["whole"], "parameters": found["batches"]["parameters"]}, "whole"
        )


def test_two_processes_train_as_one_device_and_the_first_alone_saves(tmp_path):
    hosts = (f"127.0.0.1:{free_port()}", "127.0.0.1")
    both = [begun(2, tmp_path / str(n), n, *hosts, forced=2) for n in (0, 1)]
    first, second = map(found_by, both)
    assert first["whole"]["spread"] == second["whole"]["spread"] == 4
    assert_is_one_device(first["whole"], "whole")
    assert first["whole"]["parameters"] == second["whole"]["parameters"]
    assert not (tmp_path / "1").exists()
    with pytest.warns(UserWarning, match="was trained on 4 devices"):
        assert hg.load_run(tmp_path / "0" / "whole").history == first["whole"]["history"]


def test_a_batch_that_cannot_be_divided_and_devices_that_are_not_there_are_said():
    with pytest.raises(InputError, match="28 examples cannot be divided evenly among 3 devices"):
        hg.train(problem("whole"), devices=3)
    with pytest.raises(InputError, match=r"There are \d+ devices, not 28"):
        hg.train(problem("whole"), devices=28)
    with pytest.raises(InputError, match="need the engine jax"):
        hg.train(problem("whole"), devices=2, engine="numpy")
    with pytest.raises(InputError, match="devices is 0"):
        hg.train(problem("whole"), devices=0)


@pytest.mark.parametrize(
    ("hosts", "host", "said"),
    [
        ([], 0, "needs a port"),
        (["10.0.0.1", "10.0.0.2"], 0, "needs a port"),
        (["10.0.0.1:4000", "10.0.0.2"], 2, "host is 2; of 2 hosts it is 0 to 1"),
    ],
)
def test_hosts_that_cannot_come_together_are_said(hosts, host, said):
    with pytest.raises(InputError, match=said):
        hg.train(problem("whole"), hosts=hosts, host=host)


def test_a_run_of_four_devices_is_opened_where_there_is_one(four):
    place, found = four
    with pytest.warns(UserWarning, match="was trained on 4 devices, which are not here"):
        run = hg.load_run(place / "shuffled")
    assert_allclose(run.parameters["W1"], found["shuffled"]["parameters"]["W1"])
    _, after = run.replayed(run.updates)
    assert_allclose(after.arrays[0], run.state.arrays[0], rtol=1e-12)
    assert "to rounding" in run.explain(step=2).to_text()


def test_the_command_makes_devices_and_the_first_host_alone_tells(tmp_path):
    file = ROOT / "examples" / "xor.toml"
    asked = ("train", file, "--epochs", "9", "--devices", "2")
    one = begun(*asked, module="handgrad")
    said, trouble = one.communicate(timeout=240)
    assert one.returncode == 0, trouble
    hosts = f"127.0.0.1:{free_port()},localhost"
    ends = [
        begun(*asked, "--hosts", hosts, "--host", n, "--run", tmp_path / str(n), module="handgrad")
        for n in (0, 1)
    ]
    (first, trouble), (second, _) = (end.communicate(timeout=240) for end in ends)
    assert [end.returncode for end in ends] == [0, 0], trouble
    assert "9 updates, 9 epochs" in first
    assert "updates" not in second
    assert (tmp_path / "0").exists()
    assert not (tmp_path / "1").exists()
    assert re.findall(r"W1 = .*", said), said


def test_hosts_without_a_host_are_a_mistake_of_usage():
    end = begun("train", "xor", "--hosts", "a:1,b", module="handgrad")
    _, said = end.communicate(timeout=60)
    assert end.returncode == 2
    assert "Give --hosts and --host together" in said
