"""Compiled programs are kept, but nothing that a killed process may have left half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiloland.files.atomic import host_name
from kiloland.run.compilation import MARK, remove_suspects

PROGRAM = """
import os, signal, sys
from kiloland.run.compilation import set_up_jax
set_up_jax()
import jax, jax.numpy as jnp
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((8, 8))).block_until_ready()
if sys.argv[1] == "killed":
    for name in os.listdir(os.environ["KILOLAND_CACHE"]):
        path = os.path.join(os.environ["KILOLAND_CACHE"], name)
        if name.endswith("-cache") and name.startswith("jit__lambda"):
            os.truncate(path, os.path.getsize(path) // 2)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def process(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KILOLAND_CACHE": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, how], env=environment, capture_output=True, text=True, check=False
    )


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("jit__lambda*-cache"))


def test_an_entry_that_a_killed_process_left_cut_off_does_not_stay(tmp_path: Path) -> None:
    assert process(tmp_path, "killed").returncode == -9
    (cut_off,) = entries(tmp_path)
    size = (tmp_path / cut_off).stat().st_size
    done = process(tmp_path, "well")
    assert (done.returncode, done.stderr) == (0, "")
    assert entries(tmp_path) == [cut_off], "compiled again"
    assert (tmp_path / cut_off).stat().st_size > size
    assert list(tmp_path.glob(f"{MARK}*")) == []


def test_what_was_there_before_and_what_living_processes_write_stays(tmp_path: Path) -> None:
    old, new = tmp_path / "a-cache", tmp_path / "b-cache"
    old.touch()
    os.utime(old, (1.0, 1.0))
    living = tmp_path / f"{MARK}{host_name()}-{os.getpid()}"
    living.touch()
    new.touch()
    assert remove_suspects(tmp_path) == []
    dead = tmp_path / f"{MARK}{host_name()}-999999999"
    dead.touch()
    os.utime(dead, (1000.0, 1000.0))
    (tmp_path / f"{MARK}elsewhere-999999999").touch()
    assert remove_suspects(tmp_path) == [new]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [old.name, living.name, f"{MARK}elsewhere-999999999"]
    )


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = process(tmp_path / "file", "well")
    assert done.returncode == 0
    assert "compiled programs are not kept" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", "x", "-"])
def test_marks_of_another_form_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{MARK}{host_name()}-{name}").touch()
    assert remove_suspects(tmp_path) == []
