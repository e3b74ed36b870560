"""Commands and calls, each in a process of its own that is measured; started once, then forked.

Run as a script it reads one job a line, as JSON: a folder, and the arguments of the command line or a
piece of Python. It answers with the exit status, what was printed, processor time and memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE = 20  # seconds until a case is ended by a signal


@dataclass(frozen=True)
class Outcome:
    """What a job printed, how it ended, and what it cost."""

    status: int
    out: str
    err: str
    seconds: float
    megabytes: float


class Runner:
    """Runs jobs; use it as a context."""

    def __enter__(self) -> Runner:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def __call__(self, folder: Path, job: list[str] | str, user: int | None = None) -> Outcome:
        """Arguments for the command line, or Python code; ``user`` is who runs it, where we may say."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(folder), job, user]) + "\n")
        self.process.stdin.flush()
        return Outcome(**json.loads(self.process.stdout.readline()))


def _serve() -> None:
    """Load what a command needs, by working one out, then answer until the input ends."""
    import numpy  # noqa: F401, ICN001 (loaded here, once, for every command that is forked)
    import safetensors.numpy  # noqa: F401 (so is this)

    import handgrad.model.starter
    import handgrad.numbers.archives
    import handgrad.numbers.checking.witness

    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder, "p.toml")
        problem.write_text(handgrad.model.starter.NETWORK, "utf-8")
        for name in ("p.txt", "p.json"):
            with contextlib.redirect_stderr(io.StringIO()):
                _status(["explain", str(problem), "-o", str(Path(folder, name))])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_measured(*json.loads(line))) + "\n")
        sys.stdout.flush()


def _measured(folder: str, job: list[str] | str, user: int | None) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _work(folder, job, user, out.fileno(), err.fileno())
        _, status, used = os.wait4(child, 0)
        printed = []
        for file in (out, err):
            file.seek(0)
            printed.append(file.read().decode("utf-8", errors="replace"))
    return {
        "status": os.waitstatus_to_exitcode(status),
        "out": printed[0],
        "err": printed[1],
        "seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }


def _work(folder: str, job: list[str] | str, user: int | None, out: int, err: int) -> None:
    """In the child: never returns."""
    os.chdir(folder)
    os.dup2(out, 1)
    os.dup2(err, 2)
    resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))  # a mistake must not take the machine
    signal.alarm(PATIENCE)
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    status = 1
    try:
        status = _status(job)
    except BaseException:  # noqa: BLE001  the traceback is what the test looks for
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _status(job: list[str] | str) -> int:
    from handgrad.cli import main
    from handgrad.errors import HandgradError

    try:
        if isinstance(job, str):
            exec(f"import numpy as np\nimport handgrad as hg\n{job}", {})
        else:
            main(job)
    except HandgradError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    except SystemExit as ending:
        return int(ending.code or 0)
    return 0


if __name__ == "__main__":
    _serve()
