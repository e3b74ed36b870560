"""Compiled programs kept in a folder of the user's, so that a second process need not compile them.

The folder is a cache of JAX's own, for the programs of this package alone: JAX's settings are
changed while one of them compiles and put back, and a cache that the user has set up is used as it
is. ``HANDGRAD_CACHE`` names another folder, or is ``off``.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import sys
import threading
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

__all__ = ["folder", "stored"]

VARIABLE = "HANDGRAD_CACHE"
MOST = 1 << 28
"""Bytes that are kept; what is oldest goes first."""
SETTINGS = {
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def stored() -> Generator[None]:
    """What JAX compiles inside comes from the folder or goes there; where it cannot, nothing changes."""
    import jax

    settings: Any = jax.config
    wanted = settings.jax_enable_compilation_cache and settings.jax_compilation_cache_dir is None
    place = folder() if wanted else None
    if place is None:
        yield
        return
    with _one_at_a_time, _settings({**SETTINGS, "jax_compilation_cache_dir": str(place)}):
        with warnings.catch_warnings():
            # a damaged or vanished file is compiled anew, which is all there is to it
            warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation")
            yield
        _swept(place)


@contextlib.contextmanager
def _settings(wanted: dict[str, Any]) -> Generator[None]:
    """JAX's settings changed, and put back."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    before = {name: getattr(jax.config, name) for name in wanted}
    try:
        for name, value in wanted.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()  # it looks at its settings once
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()


def folder() -> Path | None:
    """The folder for programs of this processor; None where there is to be none, or can be none."""
    asked = os.environ.get(VARIABLE)
    if asked is not None and asked.strip().lower() in ("", "0", "off", "none"):
        return None
    home = Path(asked) if asked else _usual() / "handgrad"
    place = home / "programs" / _processor()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place if _is_ours(place) else None
    except (OSError, RuntimeError):  # no home, no permission
        return None


def _usual() -> Path:
    """Where programs of a user keep what can be made anew."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _is_ours(place: Path) -> bool:
    """Whether nobody else can put a program there, and we can."""
    if hasattr(os, "getuid"):
        found = place.stat()
        if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
            return False
    return os.access(place, os.W_OK | os.X_OK)


def _processor() -> str:
    """A name for what this processor can do: a home is shared by machines that differ."""
    flags = ""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        flags = next(line for line in lines if line.startswith(("flags", "Features")))
    said = f"{platform.machine()} {flags}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _swept(place: Path) -> None:
    """Let go of the oldest programs where there are too many."""
    with contextlib.suppress(OSError):
        files = sorted(place.iterdir(), key=lambda path: -path.stat().st_mtime)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > MOST:
                path.unlink()
