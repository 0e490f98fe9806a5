"""Rows of the solver: the files of each member solved as a user solves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kiloland.spinup.benchmark.members import Member, members_of, slots_of
from kiloland.spinup.benchmark.task import Clock, Float, Prediction, Task
from kiloland.spinup.benchmark.world import World
from kiloland.spinup.operator.source import RunPaths
from kiloland.spinup.pools import read_pools
from kiloland.spinup.solve.pipeline import solve_run
from kiloland.spinup.solve.request import Request

Say = Callable[[str], None]


@dataclass(frozen=True)
class Solver:
    """Equilibrium by one direct solution with the operator of the short run.

    ``world``: folder of the members; ``folder`` keeps the files of pools. Pools that the solver does not give
    are those of the short run in natural scale.
    """

    world: Path
    folder: Path
    name: str = "one-shot solver"

    def predict(self, task: Task) -> Prediction:
        clock = Clock()
        pools = all_cells(task.world, self.world, self.solved)
        test = task.split.test
        return Prediction({name: pools[name][test] for name in task.targets}, {"seconds": clock.seconds})

    def solved(self, member: Member) -> Path:
        """The file of pools of a member, made where it is not there."""
        path = self.folder / f"solver-{member.folder.name}.nc"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            solve_run(run_paths(member), Request(), path)
        return path


def run_paths(member: Member) -> RunPaths:
    """The files of the short run of a member."""
    files = member.files
    return RunPaths(files.restart, files.history, files.surface, files.parameters)


def all_cells(world: World, folder: Path, solved: Callable[[Member], Path]) -> Mapping[str, Float]:
    """Pools of every cell of a data set from the files of its members, else those of the short run."""
    pools = {name: np.nan_to_num(values).copy() for name, values in world.before.items()}
    for member in members_of(world, folder):
        for name, values in slots_of(read_pools(solved(member))).items():
            if name in pools:
                pools[name][member.rows] = values
    return pools
