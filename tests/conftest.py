"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

MOST_MAPS = 10_000
"""Of the 65,530 memory maps that Linux allows a process; every compiled program takes some."""


@pytest.fixture(autouse=True, scope="module")
def _few_compiled_programs() -> Iterator[None]:
    """Lets go of compiled programs before they fill the table of memory maps, which would end the process."""
    yield
    maps = Path("/proc/self/maps")
    if maps.is_file() and len(maps.read_bytes().splitlines()) > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


def shared_folder() -> Path | None:
    """The reference folder: ``KILOLAND_SHARED``, else ``shared`` beside the repository; None where absent."""
    candidates = [os.environ.get("KILOLAND_SHARED"), Path(__file__).resolve().parents[2] / "shared"]
    for candidate in candidates:
        if candidate and (Path(candidate) / "data").is_dir():
            return Path(candidate)
    return None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference data; the test is skipped where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("reference data absent: set KILOLAND_SHARED to the folder that holds data/")
    return folder
