"""The exhibits of the benchmark and the rows of half a degree, each kept when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from kiloland.errors import InputError
from kiloland.spinup.benchmark.bars import Exhibit
from kiloland.spinup.benchmark.drift import (
    DriftRow,
    Start,
    carbon_only,
    drift_exhibit,
    drift_of,
    restart_from,
)
from kiloland.spinup.benchmark.exhibits import kept
from kiloland.spinup.benchmark.ladder import ladder_exhibit
from kiloland.spinup.benchmark.lines import HALF_FEW, HALF_FULL, HALF_ZERO, OURS, Row
from kiloland.spinup.benchmark.members import Member, members_of
from kiloland.spinup.benchmark.plan import Plan, dataset_of
from kiloland.spinup.benchmark.rivals.networks import fine_tuned, ours
from kiloland.spinup.benchmark.rivals.solver import Solver
from kiloland.spinup.benchmark.rows import RowStore, Say, rests_on, row_of, scored_on
from kiloland.spinup.benchmark.splits import few_shot, random_split
from kiloland.spinup.benchmark.task import Clock, Float, Prediction, Task
from kiloland.spinup.benchmark.world import World, read_world
from kiloland.spinup.benchmark.wrong_operator import wrong_operator, wrong_operator_exhibit
from kiloland.spinup.learn.model import Model
from kiloland.spinup.learn.predict import predict_cells, predict_run, without_operator

FEW: Final = 0.05
TRUTH: Final = "the truth itself"
CORRECTED: Final = "ours, corrected each cycle"
Make = Callable[[Plan, World, Say], Exhibit | None]


def chosen_exhibits(plan: Plan) -> list[Make]:
    """Exhibits by name, all where the plan names none. Raises ``InputError`` for an unknown one."""
    for name in plan.exhibits or ():
        if name not in EXHIBITS:
            raise InputError("no such exhibit", found=name, expected=", ".join(EXHIBITS))
    return [make for name, make in EXHIBITS.items() if plan.exhibits is None or name in plan.exhibits]


def first_task(plan: Plan, world: World) -> Task:
    """The random split of the first seed, without the tables of the statistical rivals."""
    from kiloland.spinup.benchmark.features import Features

    none = np.zeros((0, 0))
    split = random_split(world.cells, plan.seeds[0])
    return Task(world, Features(none, none, none), split, plan.seeds[0], world.pools, plan.budget)


def trained_on(plan: Plan, task: Task) -> Model:
    """Ours, trained on a task or taken from its file."""
    return ours(plan.folder / "weights").model(task)


def drift(plan: Plan, world: World, say: Say) -> Exhibit:
    """Drift after the restart for the truth, ours, the solver and ELM's own exit from acceleration."""
    task = first_task(plan, world)

    def make() -> Exhibit:
        # The model world takes seconds to load and is needed only where the exhibit is not kept.
        from kiloland.spinup.benchmark.further_run import carbon_after

        members = members_of(world, plan.world)

        def go_on(restart: Path, member: Path, years: int) -> tuple[Float, int]:
            return carbon_after(restart, member, years, plan.drift_cells // len(members))

        rows: list[DriftRow] = []
        begin = starts(plan, task)
        for name, start in begin.items():
            say(f"drift after the restart: {name}")
            rows.append(drift_of(name, start, members, world.cells, plan.drift_years, go_on))
        say(f"drift after the restart: {CORRECTED}")
        rows.insert(2, corrected_drift(plan, begin[OURS], members[0], world.cells, rows[0].cycle))
        return drift_exhibit(rows, world, task.split.test, CORRECTED, TRUTH, plan.drift_years)

    return kept(plan.folder / "exhibits", f"drift {plan.seeds[0]}", rests_on(task), make, say)


def corrected_drift(plan: Plan, start: Start, member: Member, cells: int, cycle: int) -> DriftRow:
    """The same years in runs of one forcing cycle with a correction after each but the last, one member."""
    from kiloland.spinup.benchmark.corrections import corrected_row, corrected_runs

    folder = plan.folder / "drift" / "corrected"
    rounds = corrected_runs(start(member), member, cycle, plan.drift_years // cycle, folder)
    return corrected_row(CORRECTED, [(member, rounds)], cells, cycle)


def starts(plan: Plan, task: Task) -> dict[str, Start]:
    """Where the model world goes on from, by the name of the row."""
    folder, network = plan.folder / "drift", ours(plan.folder / "weights")
    solver = Solver(plan.world, plan.folder / "solved")

    def of_ours(member: Member) -> Path:
        network.model(task)
        pools = folder / "pools.nc"
        folder.mkdir(parents=True, exist_ok=True)
        predict_run(member.files, pools, network.path(task))
        return restart_from(pools, member, folder / "ours.nc")

    def of_solver(member: Member) -> Path:
        pools = carbon_only(solver.solved(member), folder / "pools.nc")
        return restart_from(pools, member, folder / "solver.nc")

    return {
        TRUTH: truth_of,
        OURS: of_ours,
        "one-shot solver": of_solver,
        "native exit": lambda member: member.files.restart,
    }


def truth_of(member: Member) -> Path:
    """The restart in equilibrium."""
    if member.files.truth is None:
        raise InputError("the member has no restart in equilibrium", file=member.folder)
    return member.files.truth


def operator(plan: Plan, world: World, say: Say) -> Exhibit:
    """What a wrong operator does."""
    task = first_task(plan, world)
    test = task.split.test

    def make() -> Exhibit:
        model = trained_on(plan, task)
        table = world.table.take(test)
        wrong = wrong_operator(table, task.seed)
        trusting = replace(
            model, judge=replace(model.judge, budget_limit=np.full_like(model.judge.budget_limit, np.inf))
        )
        right, judged = predict_cells(model, table), predict_cells(model, wrong)
        answers = {
            "ours, right operator": right.pools,
            "ours, wrong operator": judged.pools,
            "ours, wrong operator, not judged": predict_cells(trusting, wrong).pools,
            "network alone": predict_cells(without_operator(model), table).pools,
        }
        return wrong_operator_exhibit(world, test, answers, judged.distrust > 1.0, right.distrust > 1.0)

    return kept(plan.folder / "exhibits", f"operator {plan.seeds[0]}", scored_on(task), make, say)


def elm(plan: Plan, world: World, say: Say) -> Exhibit | None:
    """The ladder on ELM's own spinups; none where the reference data are not here."""
    if plan.shared is None or not (plan.shared / "data/elm/zoo").is_dir():
        say("ELM's own spinups: the reference data are not here (KILOLAND_SHARED)")
        return None
    shared = plan.shared
    depends = {"dataset_sha256": world.sha256}
    return kept(
        plan.folder / "exhibits",
        "elm",
        depends,
        lambda: ladder_exhibit(shared / "data/elm"),
        say,
    )


EXHIBITS: Final[dict[str, Make]] = {"drift": drift, "operator": operator, "elm": elm}


def resolution_rows(plan: Plan, world: World, say: Say) -> Iterator[Row]:
    """From 1 to 0.5 degrees: the same weights, passes over 5 % of the cells, and training from nothing."""
    assert plan.half is not None
    half = read_world(dataset_of(plan.half, plan.folder, say))
    store = RowStore(plan.folder / "rows")
    for seed in plan.seeds:
        coarse = replace(first_task(plan, world), seed=seed, split=random_split(world.cells, seed))
        split = random_split(half.cells, seed)
        fine = replace(coarse, world=half, split=split)
        few = replace(fine, split=few_shot(split, FEW))
        models: dict[str, tuple[Task, Callable[[], Model]]] = {
            HALF_ZERO: (fine, partial(trained_on, plan, coarse)),
            HALF_FEW: (few, partial(tuned_on, plan, coarse, few)),
            HALF_FULL: (fine, partial(trained_on, plan, fine)),
        }
        for name, (task, model) in models.items():
            yield resolution_row(name, task, model, world, store, say)


def tuned_on(plan: Plan, coarse: Task, few: Task) -> Model:
    """Ours of the coarse world after some passes over few cells of the fine one."""
    return fine_tuned(trained_on(plan, coarse), few)


def resolution_row(
    name: str, task: Task, model: Callable[[], Model], coarse: World, store: RowStore, say: Say
) -> Row:
    """One row of half a degree, under the data set of 1 degree that the table is about."""
    depends: dict[str, Any] = {
        **scored_on(task),
        "half_sha256": task.world.sha256,
        "dataset_sha256": coarse.sha256,
    }
    row = store.find(name, OURS, task.seed, depends)
    if row is None:
        say(f"{name}, seed {task.seed} ...")
        clock = Clock()
        pools = predict_cells(model(), task.world.table.take(task.split.test)).pools
        prediction = Prediction(pools, {"seconds": clock.seconds})
        rival = ours(Path())
        row = {**row_of(task, rival, prediction), "split": name, "rests_on": depends}
        store.put(row)
    say(f"{name}, seed {task.seed}: headline R2 {row['headline_r2']}")
    return row
