"""Sound inputs, made once, and a copy of them for each test that spoils something."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from good_inputs import make_inputs


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sound inputs; not to be changed."""
    return make_inputs(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def inputs(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound inputs."""
    shutil.copytree(sound, tmp_path / "inputs")
    return tmp_path / "inputs"
