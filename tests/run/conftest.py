"""One set of synthetic inputs and one compilation cache for all tests of runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_cases import run

from kiloland.craft.synthetic import make_synthetic_case


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one process compiles, the next one need not: all runs of the session share a cache."""
    before = os.environ.get("KILOLAND_CACHE")
    if before is None:
        os.environ["KILOLAND_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["KILOLAND_CACHE"]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of synthetic inputs of 130 cells: more than two blocks of 64."""
    return make_synthetic_case(tmp_path_factory.mktemp("inputs"), cells=130, days=1, seed=3).parent


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of synthetic inputs of 12 cells, for tests that compute little or nothing."""
    return make_synthetic_case(tmp_path_factory.mktemp("few"), cells=12, days=1, seed=5).parent


@pytest.fixture(scope="session")
def two_sets(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a run with restart sets of 2 and 3 July."""
    directory = tmp_path_factory.mktemp("sets") / "run"
    run(few, directory, case__stop="0001-07-03", restart__every="1 day")
    return directory
