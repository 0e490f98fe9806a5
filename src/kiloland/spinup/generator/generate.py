"""Making a model world: members, blocks, files, and the evidence that no cell drifts."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import write_text
from kiloland.files.run_lock import RunLock
from kiloland.run.progress import Progress
from kiloland.spinup.generator.climate import NAME, Climate, chosen, read_climate, synthetic_climate
from kiloland.spinup.generator.forcing import climate_values
from kiloland.spinup.generator.input_files import UNKNOWN
from kiloland.spinup.generator.member import member_folder, write_member
from kiloland.spinup.generator.simulate import BlockSettings, simulate
from kiloland.spinup.generator.store import flattened, write_block
from kiloland.spinup.generator.weather import daily_weather

SYNTHETIC = "synthetic"
BLOCK_FOLDER = ".blocks"
FORMAT = 2


@dataclass(frozen=True)
class WorldSettings:
    """What makes a world; equal settings make equal files."""

    cells: int
    seed: int
    resolution: float
    members: int
    climate: str
    """File of the climatology, or ``synthetic``."""
    cycle_years: int = 4
    block: int = 256
    group: int = 5120
    """Cells of one task: what is kept when a run is interrupted."""
    tolerance: float = 0.01
    """Largest drift of ecosystem carbon in any cell, gC m-2 yr-1."""
    most_cycles: int = 400

    def block_settings(self, member: int) -> BlockSettings:
        """Settings of the blocks of a member."""
        return BlockSettings(
            self.seed, member, self.cycle_years, self.tolerance, self.most_cycles, self.block
        )


@dataclass(frozen=True)
class Task:
    """One block of one member."""

    member: int
    start: int
    stop: int
    path: Path


def default_climate() -> str:
    """The climatology of the reference data where it is, else the synthetic climate."""
    folders = [Path(os.environ["KILOLAND_SHARED"])] if os.environ.get("KILOLAND_SHARED") else []
    folders += [Path("shared"), Path("../shared"), Path(__file__).resolve().parents[4].parent / "shared"]
    return next(
        (str((folder / NAME).resolve()) for folder in folders if (folder / NAME).is_file()), SYNTHETIC
    )


def load_climate(settings: WorldSettings) -> Climate:
    """All land cells of the grid."""
    if settings.climate == SYNTHETIC:
        return synthetic_climate(settings.resolution)
    return read_climate(Path(settings.climate), settings.resolution)


def make_settings(
    cells: int, seed: int, resolution: float, members: int | None, climate: str | None, **more: Any
) -> WorldSettings:
    """Settings with the members that the number of cells needs.

    Raises InputError for numbers that cannot be.
    """
    if resolution not in (1.0, 0.5):
        raise InputError("--resolution", found=resolution, expected="1 or 0.5")
    if cells < 1:
        raise InputError("--cells", found=cells, expected="at least 1")
    if not 0 <= seed < 2**48:
        raise InputError("--seed", found=seed, expected="0 to 2**48 - 1")
    trial = WorldSettings(cells, seed, resolution, 1, climate or default_climate(), **more)
    available = len(load_climate(trial).identity)
    least = -(-cells // available)
    wanted = least if members is None else members
    if not least <= wanted <= min(cells, 200):
        raise InputError("--members", found=wanted, expected=f"{least} to {min(cells, 200)}")
    return WorldSettings(cells, seed, resolution, wanted, trial.climate, **more)


def cells_of(settings: WorldSettings, member: int) -> int:
    """Number of cells of a member."""
    return settings.cells // settings.members + (member < settings.cells % settings.members)


def member_cells(settings: WorldSettings, climate: Climate, member: int) -> NDArray[np.int64]:
    """Positions of the cells of a member on the list of land cells."""
    return chosen(climate, cells_of(settings, member))


def tasks(settings: WorldSettings, folder: Path) -> Iterator[Task]:
    """All blocks."""
    for member in range(settings.members):
        cells = cells_of(settings, member)
        for start in range(0, cells, settings.group):
            stop = min(start + settings.group, cells)
            name = f"block_{start // settings.group:04d}.nc"
            yield Task(member, start, stop, folder / BLOCK_FOLDER / f"member_{member:02d}" / name)


def run_block(settings: WorldSettings, task: Task) -> tuple[Task, float]:
    """Simulate a block and put it on disk; the seconds that it took."""
    begin = time.monotonic()
    climate = load_climate(settings)
    cells = climate.take(member_cells(settings, climate, task.member)[task.start : task.stop])
    own = settings.block_settings(task.member)
    values = flattened(simulate(cells, own, partial(tell, task)))
    values |= climate_values(cells, daily_weather(cells, own.seed, own.cycle_years))
    task.path.parent.mkdir(parents=True, exist_ok=True)
    write_block(task.path, values, {"settings": json.dumps(asdict(settings))})
    return task, time.monotonic() - begin


def tell(task: Task, text: str) -> None:
    """Progress within a task, on standard error."""
    print(f"member {task.member} cells {task.start}-{task.stop - 1}: {text}", file=sys.stderr, flush=True)


def generate(
    settings: WorldSettings, folder: Path, *, processes: int = 1, say: Callable[[str], None] = print
) -> bool:
    """Make the world; finished blocks of an interrupted run of the same settings are used.

    Returns whether every cell passes the drift. Raises InputError where the folder holds another world,
    OutputError where a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = RunLock(folder)
    lock.acquire()
    try:
        claim(settings, folder)
        todo = [task for task in tasks(settings, folder) if not task.path.is_file()]
        every = list(tasks(settings, folder))
        progress = Progress(len(every), True, len(every) - len(todo))
        for number, (task, seconds) in enumerate(finished(settings, todo, processes), start=1):
            label = f"member {task.member} cells {task.start}-{task.stop - 1}: {seconds:.0f} s"
            progress.update(len(every) - len(todo) + number, label)
        progress.close()
        return assemble(settings, folder, say)
    finally:
        lock.release()


def finished(settings: WorldSettings, todo: list[Task], processes: int) -> Iterator[tuple[Task, float]]:
    """The blocks as they are done; one process keeps the order."""
    if processes <= 1 or len(todo) <= 1:
        for task in todo:
            yield run_block(settings, task)
        return
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=end_with, initargs=(os.getpid(),)
    ) as pool:
        for job in as_completed([pool.submit(run_block, settings, task) for task in todo]):
            yield job.result()


def end_with(parent: int) -> None:
    """End this process soon after its parent, however that ended: a killed command leaves nobody at work."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def claim(settings: WorldSettings, folder: Path) -> None:
    """Write the settings to the folder, or check that it is of these settings."""
    path = folder / "settings.json"
    content = json.dumps({"format": FORMAT, **asdict(settings)}, indent=2) + "\n"
    if path.is_file():
        if path.read_text(encoding="utf-8") != content:
            raise InputError(
                "the folder holds a world of other settings",
                file=path,
                hint="Give another folder, or the same settings to go on",
            )
        return
    write_text(path, content)


def assemble(settings: WorldSettings, folder: Path, say: Callable[[str], None]) -> bool:
    """The files of the members and the manifest."""
    climate = load_climate(settings)
    evidence = []
    for member in range(settings.members):
        index = member_cells(settings, climate, member)
        blocks = [task.path for task in tasks(settings, folder) if task.member == member]
        facts = write_member(member_folder(folder, member), climate.take(index), blocks, settings, member)
        evidence.append(facts)
        say(
            f"member {member}: {facts['cells']} cells, largest drift {facts['drift_max']:.2e} gC m-2 yr-1, "
            f"{facts['cells_over']} above {settings.tolerance}"
        )
    content = {
        "kiloland_kind": "model_world",
        "format": FORMAT,
        "settings": asdict(settings),
        "land_cells_of_the_grid": len(climate.identity),
        "sampling": "cell floor((i + 1/2) n / cells) of the n land cells, from the north-west",
        "unknown_to_readers_of_the_files": UNKNOWN,
        "members": evidence,
        "passed": all(facts["cells_over"] == 0 for facts in evidence),
    }
    write_text(folder / "manifest.json", json.dumps(content, indent=2) + "\n")
    return bool(content["passed"])
