"""What the benchmark is asked for, and the data that it stands on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiloland.errors import InputError
from kiloland.spinup.benchmark.rows import Say
from kiloland.spinup.benchmark.task import Budget

SPLITS: Final = ("random", "blocks", "coldest")


@dataclass(frozen=True)
class Plan:
    """What the benchmark does.

    ``world``: folder of a model world, made with ``cells`` and ``world_seed`` where it is not there; ``half``
    one of half a degree; ``folder`` keeps everything between runs; ``exhibits`` None means all; ``shared``:
    the reference data; ``drift_cells``: about so many cells are run on for
    ``drift_years`` after the restart.
    """

    folder: Path
    world: Path
    cells: int
    seeds: tuple[int, ...]
    world_seed: int = 1
    half: Path | None = None
    splits: tuple[str, ...] = SPLITS
    budget: Budget = field(default_factory=Budget)
    rivals: tuple[str, ...] = ()
    exhibits: tuple[str, ...] | None = None
    results: Path = Path("results")
    shared: Path | None = None
    drift_cells: int = 3000
    drift_years: int = 20


def kiloland(words: Sequence[str | Path], say: Say) -> None:
    """Run a command of the package in a process of its own, which gives its memory back.

    Raises ``InputError`` where it fails.
    """
    arguments = [str(word) for word in words]
    say("kiloland " + " ".join(arguments))
    done = subprocess.run([sys.executable, "-m", "kiloland.cli.main", *arguments], check=False)
    if done.returncode:
        raise InputError(
            "a command of the chain failed", found=f"exit code {done.returncode}", hint=" ".join(arguments)
        )


def world_folder(folder: Path, cells: int, seed: int, resolution: str, say: Say) -> Path:
    """The model world, generated where its manifest is not there yet."""
    if not (folder / "manifest.json").exists():
        words = ("spinup", "generate", "--cells", str(cells), "--seed", str(seed), "--resolution", resolution)
        kiloland((*words, "-o", folder), say)
    return folder


def dataset_of(world: Path, folder: Path, say: Say) -> Path:
    """The data set of a world, made where it is older than the world's manifest."""
    path = folder / f"{world.name}.nc"
    manifest = world / "manifest.json"
    if not path.exists() or path.stat().st_mtime < manifest.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        kiloland(("spinup", "dataset", world, "-o", path), say)
    return path
