"""Runs on the disk: whole whatever happens, and taken up again to the same bits."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from tests.test_training import EXAMPLES, classifier, example

import handgrad as hg
from handgrad.errors import FileError, InputError
from handgrad.training import checkpoint, records
from handgrad.training.running import History


@pytest.fixture
def content():
    arrays = {"state/0": np.arange(300.0).reshape(20, 15), "state/1": np.float32([1, 2, 3])}
    return checkpoint.pack(arrays, {"done": 7, "name": "Δ"})


def test_a_file_is_read_as_it_was_written(content):
    arrays, record = checkpoint.unpack(content)
    assert record == {"done": 7, "name": "Δ"}
    assert arrays["state/0"].tobytes() == np.arange(300.0).tobytes()
    assert arrays["state/1"].dtype == np.float32


def test_another_reader_of_the_format_reads_the_same(content):
    from safetensors.numpy import load

    arrays = load(content)
    assert arrays["state/0"].shape == (20, 15)
    assert arrays["state/1"].tolist() == [1, 2, 3]


def test_a_thousand_flipped_bits_are_all_noticed(content):
    rng = random.Random(1)
    for place in rng.sample(range(8 * len(content)), 1000):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(FileError, match="damaged"):
            checkpoint.unpack(bytes(damaged))


def test_every_bit_of_the_table_of_contents_counts(content):
    for place in range(8 * (8 + int.from_bytes(content[:8], "little"))):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(FileError, match="damaged"):
            checkpoint.unpack(bytes(damaged))


def test_a_hundred_cuts_are_all_noticed(content):
    for length in random.Random(2).sample(range(len(content)), 100):
        with pytest.raises(FileError, match="damaged"):
            checkpoint.unpack(content[:length])
    with pytest.raises(FileError, match="damaged"):
        checkpoint.unpack(content + b"\0")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_problem_comes_back_from_its_record_as_it_was(name):
    problem = example(name)
    record = records.problem_record(problem)
    back = records.recorded_problem(record, [*problem.values.values()])
    assert back.forward == problem.forward
    assert hg.derive(back) == hg.derive(problem)
    assert back.training == problem.training
    assert back.notation == problem.notation
    assert list(back.values) == list(problem.values)
    assert back.batched == problem.batched


@pytest.mark.parametrize(
    "data", [{"is": "Path", "x": 1}, {"is": "Index"}, {"is": "Fraction", "value": "x"}]
)
def test_a_record_of_something_else_is_refused(data):
    with pytest.raises(FileError, match="cannot be read"):
        records.rebuilt(data)


def run_in(folder, **options):
    problem = classifier(rows=30, optimizer="adam", batch_size=8, shuffle=True)
    return hg.train(problem, epochs=60, validation=0.2, folder=folder, engine="numpy", **options)


def test_a_run_is_opened_and_goes_on_to_the_same_bits(tmp_path):
    whole = run_in(None)
    folder = tmp_path / "run"
    run_in(folder, seconds=0.0)
    opened = hg.load_run(folder)
    assert opened.updates < whole.updates
    resumed = opened.resume()
    assert resumed.history == whole.history
    assert all(np.array_equal(resumed.parameters[n], a) for n, a in whole.parameters.items())
    again = hg.load_run(folder)
    assert again.updates == whole.updates
    assert again.history == whole.history
    assert np.array_equal(again.predict(np.ones((2, 3))), whole.predict(np.ones((2, 3))))


def test_a_finished_run_is_saved_and_any_update_of_it_explained(tmp_path):
    run = run_in(None)
    run.save(tmp_path / "run")
    opened = hg.load_run(tmp_path / "run")
    one, two = (r.explain(step=100, of="W1[1,1]").to_text() for r in (run, opened))
    assert one == two
    with pytest.raises(InputError, match="holds a run already"):
        run.save(tmp_path / "run")


def saved_often(folder):
    run = run_in(folder)
    for done in (20, 40, 60, 80):
        state = run.replayed(done)[1]
        from handgrad.training.folder import save_state

        save_state(folder, state, History())


def test_the_last_three_checkpoints_are_kept(tmp_path):
    folder = tmp_path / "run"
    saved_often(folder)
    assert [done for done, _ in checkpoint.checkpoints(folder)] == [180, 80, 60]


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path):
    folder = tmp_path / "run"
    saved_often(folder)
    (_, last), *_ = checkpoint.checkpoints(folder)
    content = bytearray(last.read_bytes())
    content[-1] ^= 1
    last.write_bytes(content)
    with pytest.warns(UserWarning, match="000180.*checksum.*before it is used"):
        run = hg.load_run(folder)
    assert run.updates == 80
    for _, path in checkpoint.checkpoints(folder):
        path.write_bytes(b"")
    with pytest.warns(UserWarning, match="cut short"):
        run = hg.load_run(folder)
    assert run.updates == 0


def test_a_folder_without_a_run_or_with_a_damaged_start_is_told(tmp_path):
    with pytest.raises(FileError, match="holds no run"):
        hg.load_run(tmp_path)
    run_in(tmp_path / "run")
    start = tmp_path / "run" / "start.safetensors"
    start.write_bytes(start.read_bytes()[:-9])
    with pytest.raises(FileError, match="damaged"):
        hg.load_run(tmp_path / "run")


@pytest.mark.parametrize("error", [28, 5, 18])  # no space, input/output, another device
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_what_was_there(tmp_path, monkeypatch, call, error):
    path = tmp_path / "step-000000001.safetensors"
    checkpoint.write(path, {"a": np.ones(3)}, {"n": 1})
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", refuse)
    else:
        monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(FileError, match=r"cannot be written: .*unharmed"):
        checkpoint.write(path, {"a": np.zeros(3)}, {"n": 2})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(FileError, match="100 bytes are free"):
        checkpoint.write(tmp_path / "a.safetensors", {"a": np.ones(3)}, {})
    assert not [*tmp_path.iterdir()]


def test_a_file_that_may_not_grow_is_an_error_that_is_told(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FileError, match="cannot be written: File too large"):
            checkpoint.write(tmp_path / "a.safetensors", {"a": np.ones(3000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [*tmp_path.iterdir()]


def test_two_processes_do_not_train_into_one_folder(tmp_path):
    with (
        checkpoint.locked(tmp_path),
        pytest.raises(InputError, match="Another process"),
        checkpoint.locked(tmp_path),
    ):
        pass


# --- killed at any moment ----------------------------------------------------------------------

KILLED = """
import sys, pathlib
import handgrad as hg
from tests.test_checkpoints import killable
print("ready", flush=True)
folder = pathlib.Path(sys.argv[1])
if (folder / "start.safetensors").exists():
    hg.load_run(folder).resume(save_every=0)
else:
    killable(sys.argv[2], folder, *map(int, sys.argv[3:]))
print("done", flush=True)
"""


def killable(optimizer, folder, epochs=150):
    problem = classifier(
        rows=300, sizes=(30, 60, 5), optimizer=optimizer, batch_size=8, shuffle=True
    )
    return hg.train(
        problem,
        epochs=epochs,
        validation=0.2,
        patience=1000,
        folder=folder,
        engine="numpy",
        save_every=0,
    )


def killed_at_random(folder, optimizer, kills, seed=0):
    """Kill a training that saves without pause again and again; how often it was killed."""
    rng, killed = random.Random(seed), 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(("src", "."))}
    for _ in range(kills):
        command = [sys.executable, "-c", KILLED, str(folder), optimizer]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[1]
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.0, 0.3))
            child.send_signal(signal.SIGKILL)
            child.wait()
        killed += child.returncode == -signal.SIGKILL
        if (folder / "start.safetensors").exists():
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                hg.load_run(folder)
    return killed


@pytest.mark.parametrize(
    ("optimizer", "kills"),
    [
        ("adam", 6),
        *(
            pytest.param(name, 15, marks=pytest.mark.sweep)
            for name in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
        ),
    ],
)
def test_killed_at_any_moment_a_run_loads_and_ends_with_the_same_bits(tmp_path, optimizer, kills):
    folder = tmp_path / "run"
    assert killed_at_random(folder, optimizer, kills) >= kills // 2
    run = (
        hg.load_run(folder)
        if (folder / "start.safetensors").exists()
        else killable(optimizer, folder)
    )
    run = run.resume()
    whole = killable(optimizer, None)
    assert run.updates == whole.updates
    assert run.history == whole.history
    for name, array in whole.parameters.items():
        assert np.array_equal(run.parameters[name], array), name
    assert not [*folder.glob("*.part")]


TWICE = """
import sys, hashlib
sys.path.insert(0, ".")
from tests.test_training import classifier
import handgrad as hg
p = classifier(rows=50, optimizer="adam", batch_size=8, shuffle=True)
run = hg.train(p, *(p.values[s] for s in p.data), epochs=30, engine=sys.argv[1])
print(hashlib.sha256(b"".join(a.tobytes() for a in run.parameters.values())).hexdigest())
"""


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_the_same_seed_gives_the_same_bits_in_two_fresh_processes(engine):
    environment = {**os.environ, "PYTHONPATH": "src"}
    command = [sys.executable, "-c", TWICE, engine]
    root = Path(__file__).parents[1]
    found = {
        subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1
    assert len(found.pop()) == 65


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_what_is_done(tmp_path):
    folder = tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(("src", "."))}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), "adam", "100000"],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parents[1],
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while not checkpoint_there(folder):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == b"done\n"
        assert child.wait() == 0
    run = hg.load_run(folder)
    assert run.stopped == "interrupted"
    assert 0 < run.updates < 100000


def checkpoint_there(folder):
    return folder.exists() and bool(checkpoint.checkpoints(folder))


def test_what_is_left_of_another_run_is_no_place_for_a_new_one(tmp_path):
    folder = tmp_path / "run"
    run_in(folder)
    (folder / "start.safetensors").unlink()
    with pytest.raises(InputError, match="checkpoints of a run, but no"):
        run_in(folder)


def test_a_checkpoint_of_another_network_is_not_taken_for_its_own(tmp_path):
    folder, other = tmp_path / "run", tmp_path / "other"
    run_in(folder)
    p = hg.Network([2, 5, 1], x=[[1.0, 0.0]], y=[[1.0]])
    hg.train(p, epochs=999, folder=other)
    (path,) = other.glob("step-*.safetensors")
    (folder / path.name).write_bytes(path.read_bytes())
    with pytest.warns(UserWarning, match="no checkpoint of this run"):
        assert hg.load_run(folder).updates == 180


def test_a_checkpoint_of_a_run_of_the_same_shapes_is_not_taken_for_its_own(tmp_path):
    folder, other = tmp_path / "run", tmp_path / "other"
    run_in(folder)
    hg.train(
        classifier(rows=30, optimizer="adam", batch_size=8, shuffle=True),
        epochs=70,
        validation=0.2,
        folder=other,
        engine="numpy",
    )
    path = max(other.glob("step-*.safetensors"))
    (folder / path.name).write_bytes(path.read_bytes())
    with pytest.warns(UserWarning, match="no checkpoint of this run"):
        assert hg.load_run(folder).updates == 180


def test_a_run_that_ended_says_so_after_going_on_to_fewer_updates():
    p = hg.Network([1, 2, 1], x=[[1.0]], y=[[0.25]])
    ended = hg.train(p, optimizer="lbfgs", epochs=500)
    assert ended.stopped == "converged"
    assert ended.resume(epochs=1).stopped == "converged"
