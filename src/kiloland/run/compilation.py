"""The cache of compiled programs, which outlives processes, also those killed while they write to it.

A process that is killed may leave an entry cut off; the compiler would find it broken, warn and compile
anew in every later run. Each process therefore leaves a mark while it lives. Whoever finds the mark of a
dead process removes the entries written since, which costs one compilation.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import jax

from kiloland.errors import OutputError
from kiloland.files import write_text
from kiloland.files.atomic import host_name, process_alive

logger = logging.getLogger(__name__)

MARK = ".kiloland-compiling-"
"""Marks are named ``.kiloland-compiling-<host>-<process>``."""
SHORTEST_COMPILATION = 1.0
"""Programs that take less time to compile than this many seconds are not kept."""
PATIENCE = 15.0
"""Seconds of compilation after which the user is told."""
MOST_MAPS = 25_000
"""Of the 65,530 memory maps that Linux allows a process; every compiled program takes some."""


def set_up_jax() -> None:
    """Keep compiled programs in the folder ``KILOLAND_CACHE``, by default ``~/.cache/kiloland/jax``.

    Where that folder cannot be written, a warning is logged and every process compiles for itself.
    """
    folder = Path(os.environ.get("KILOLAND_CACHE") or Path.home() / ".cache" / "kiloland" / "jax")
    mark = folder / f"{MARK}{host_name()}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_suspects(folder)
        if not mark.exists():
            write_text(mark, "")
            atexit.register(_remove, mark)
    except (OSError, OutputError) as error:
        logger.warning("compiled programs are not kept: %s", error)
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST_COMPILATION)


@contextlib.contextmanager
def told_when_slow(what: str) -> Iterator[None]:
    """Log a warning where the body, the first call of something compiled, takes long."""
    folder = getattr(jax.config, "jax_compilation_cache_dir", None) or "memory"
    text = f"the step of {what} is made ready: compiling takes minutes once, later runs take it from {folder}"
    alarm = threading.Timer(PATIENCE, logger.warning, [text])
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()


def forget_many_programs(most: int = MOST_MAPS) -> bool:
    """Let go of all compiled programs where they hold more memory maps than ``most``; True where done.

    A process that runs out of maps ends. What is needed again comes from the cache of :func:`set_up_jax`.
    """
    maps = Path("/proc/self/maps")
    if not maps.is_file() or len(maps.read_bytes().splitlines()) <= most:
        return False
    jax.clear_caches()
    gc.collect()
    return True


def remove_suspects(folder: Path) -> list[Path]:
    """Remove the entries that a dead process of this machine may have left cut off; returns them."""
    gone = []
    for mark in folder.glob(f"{MARK}{host_name()}-*"):
        number = mark.name.rpartition("-")[2]
        if not number.isdigit() or process_alive(int(number)):
            continue
        # Another process may clean up at the same moment.
        with contextlib.suppress(FileNotFoundError):
            since = mark.stat().st_mtime
            gone += [entry for entry in folder.glob("*-cache") if entry.stat().st_mtime >= since]
        for file in (*gone, mark):
            _remove(file)
    return gone


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
