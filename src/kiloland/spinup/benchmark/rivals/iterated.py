"""The solver with further short runs: solve, run on from the solution, read the operator, solve again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from kiloland.spinup.benchmark.members import Member
from kiloland.spinup.benchmark.rivals.solver import Solver, all_cells, run_paths
from kiloland.spinup.benchmark.task import Clock, Prediction, Task
from kiloland.spinup.restart import RestartRequest, write_restart
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
        pools = Solver(self.world, self.folder).solved(member)
        for number in range(1, self.passes + 1):
            path = self.folder / f"iterated-{self.years}-{number}-{member.folder.name}.nc"
            if not path.exists():
                self.one_pass(member, pools, path)
            pools = path
        return pools

    def one_pass(self, member: Member, pools: Path, output: Path) -> None:
        """Restart from the pools, further years, and the solution of what they show."""
        # The model world takes seconds to load and is needed only where a pass is not finished.
        from kiloland.spinup.benchmark.further_run import further_run

        folder = output.with_suffix("")
        start = folder / "start.nc"
        folder.mkdir(parents=True, exist_ok=True)
        files = member.files
        write_restart(
            RestartRequest(
                files.restart,
                pools,
                start,
                spinup_state=0,
                surface=files.surface,
                parameters=files.parameters,
            )
        )
        restart, history = further_run(start, member.folder, self.years, folder)
        solve_run(replace(run_paths(member), restart=restart, history=history), Request(), output)
        for path in (start, restart, *history):
            path.unlink()
        folder.rmdir()
