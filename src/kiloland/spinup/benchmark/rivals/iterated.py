"""The solver with further short runs: solve, run on from the solution, read the operator, solve again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from kiloland.spinup.benchmark.drift import carbon_only, restart_from
from kiloland.spinup.benchmark.members import Member
from kiloland.spinup.benchmark.rivals.solver import Solver, all_cells, run_paths
from kiloland.spinup.benchmark.task import Clock, Prediction, Task
from kiloland.spinup.solve.pipeline import solve_run
from kiloland.spinup.solve.request import Request


@dataclass(frozen=True)
class IteratedSolver:
    """``passes`` further runs of ``years`` each after the first solution; years simulated: their product."""

    world: Path
    folder: Path
    passes: int = 2
    years: int = 20
    name: str = "iterated solver"

    def predict(self, task: Task) -> Prediction:
        clock = Clock()
        pools = all_cells(task.world, self.world, self.solved)
        test = task.split.test
        facts = {"further years": self.passes * self.years, "seconds": clock.seconds}
        return Prediction({name: pools[name][test] for name in task.targets}, facts)

    def solved(self, member: Member) -> Path:
        """The file of pools after the last pass."""
        output = self.folder / f"iterated-{self.passes}x{self.years}-{member.folder.name}.nc"
        if not output.exists():
            aside = output.with_suffix("")
            pools = Solver(self.world, self.folder).solved(member)
            here = member
            for number in range(1, self.passes + 1):
                here = further_member(here, pools, self.years, aside / f"pass_{number}")
                pools = output if number == self.passes else aside / f"pass_{number}" / "solved.nc"
                solve_run(run_paths(here), Request(), pools)
            shutil.rmtree(aside)
        return output


def further_member(member: Member, pools: Path, years: int, folder: Path) -> Member:
    """The member with the files of a further run, which starts from these pools."""
    # The model world takes seconds to load and is needed only where the row is not finished.
    from kiloland.spinup.benchmark.further_run import further_run

    start = restart_from(carbon_only(pools, folder / "carbon.nc"), member, folder / "start.nc")
    restart, history = further_run(start, member.folder, years, folder)
    return replace(member, files=replace(member.files, restart=restart, history=history))
