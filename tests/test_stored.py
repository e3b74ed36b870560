"""Programs kept on the disk: found again by another process, and never in anybody's way."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.training import stored

RUN = """
import warnings; warnings.simplefilter("error")
import jax
from jax import monitoring
hits, known = [], []
monitoring.register_event_listener(lambda name, **_: hits.append(name))
before = {n: getattr(jax.config, n) for n in (*SETTINGS, "jax_compilation_cache_dir")}
import handgrad as hg
p = hg.Network([2, 3, 1], x=[[1.0, 2.0]], y=[[0.5]], optimizer="adam")
run = hg.train(p, epochs=20, engine="jax")
assert before == {n: getattr(jax.config, n) for n in before}
found = sum(name.endswith("/cache_hits") for name in hits)
print(found, run.parameters["W1"].tobytes().hex())
""".replace("SETTINGS", repr(tuple(stored.SETTINGS)))


def ran(cache, **environment):
    """How many programs a fresh process found on the disk, and what it trained."""
    given = {**os.environ, "HANDGRAD_CACHE": str(cache), **environment}
    given["PYTHONPATH"] = str(Path(hg.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    hits, weights = done.stdout.split()
    return int(hits), weights


def programs(cache):
    return [path for path in Path(cache).rglob("*") if path.is_file()]


def test_a_second_process_finds_the_program_and_trains_the_same_bits(tmp_path):
    first, second = ran(tmp_path), ran(tmp_path)
    assert first[0] == 0
    assert second[0] == 1
    assert first[1] == second[1]


def test_a_damaged_program_is_compiled_anew(tmp_path):
    first = ran(tmp_path)
    for path in programs(tmp_path):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(bytes(content))
    assert ran(tmp_path)[1] == first[1]


def test_off_means_that_nothing_is_written(tmp_path):
    ran("off", XDG_CACHE_HOME=str(tmp_path), HOME=str(tmp_path))
    assert not programs(tmp_path)


def test_a_cache_of_the_users_own_is_used_as_it_is(tmp_path):
    own = tmp_path / "own"
    ran(tmp_path / "ours", JAX_COMPILATION_CACHE_DIR=str(own))
    assert not programs(tmp_path / "ours")


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HANDGRAD_CACHE", str(tmp_path / "file" / "cache"))
    assert stored.folder() is None
    rng = np.random.default_rng(0)
    problem = hg.Network([2, 2, 1], x=rng.normal(size=(5, 2)), y=rng.uniform(size=(5, 1)))
    assert hg.train(problem, epochs=2, engine="jax").updates == 2


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps caches")
def test_the_usual_folder_is_the_cache_of_the_user(tmp_path, monkeypatch):
    monkeypatch.delenv("HANDGRAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = stored.folder()
    assert place is not None
    assert place.parent == tmp_path / "handgrad" / "programs"
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="the rights of POSIX")
def test_a_folder_that_others_may_write_to_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDGRAD_CACHE", str(tmp_path))
    place = stored.folder()
    assert place is not None
    place.chmod(0o777)
    assert stored.folder() is None


def test_the_oldest_programs_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "MOST", 250)
    for n in range(5):
        path = tmp_path / f"{n}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (n, n))
    stored._swept(tmp_path)
    assert sorted(path.name for path in programs(tmp_path)) == ["3-cache", "4-cache"]
