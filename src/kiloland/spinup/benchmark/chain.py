"""The whole chain: world, data set, splits, rows, exhibits, table. What is finished is used again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kiloland.errors import InputError
from kiloland.files import write_text
from kiloland.spinup.benchmark.evidence import chosen_exhibits, resolution_rows
from kiloland.spinup.benchmark.exhibits import finished
from kiloland.spinup.benchmark.features import features_of
from kiloland.spinup.benchmark.plan import Plan, dataset_of, world_folder
from kiloland.spinup.benchmark.rivals.iterated import IteratedSolver
from kiloland.spinup.benchmark.rivals.log_ratio import LogRatio
from kiloland.spinup.benchmark.rivals.networks import one_shot_network, ours
from kiloland.spinup.benchmark.rivals.residual_network import ResidualNetwork
from kiloland.spinup.benchmark.rivals.simple import Persistence, Scaling
from kiloland.spinup.benchmark.rivals.solver import Solver
from kiloland.spinup.benchmark.rivals.statistical import Ridge, Trees
from kiloland.spinup.benchmark.rows import RowStore, Say, run_rows
from kiloland.spinup.benchmark.splits import write_split
from kiloland.spinup.benchmark.table import page, result
from kiloland.spinup.benchmark.task import Budget, Rival, Task
from kiloland.spinup.benchmark.world import SOLID_WOOD, World, read_world
from kiloland.spinup.dataset.splits import SplitKind, make_split
from kiloland.spinup.tables import HEADLINE

FITTED: Final = (*HEADLINE, "leafc", "soil2c_vr", "labilep_vr", "secondp_vr")
"""Pools that the statistical rivals are fitted to; the others would only cost them time."""


def tasks_of(plan: Plan, world: World) -> list[Task]:
    """The tasks in the order in which they matter: every split of the first seed, then the other seeds."""
    features = features_of(world)
    tasks = []
    (plan.folder / "splits").mkdir(parents=True, exist_ok=True)
    for seed in plan.seeds:
        for name in plan.splits:
            split = make_split(world.table, split_kind(name), seed)
            write_split(plan.folder / "splits" / f"{name}-{seed}.json", split)
            tasks.append(Task(world, features, split, seed, world.pools, plan.budget))
    return tasks


def split_kind(name: str) -> SplitKind:
    """A kind of split by its name. Raises ``InputError`` for an unknown one."""
    known = [kind.value for kind in SplitKind]
    if name not in known:
        raise InputError("no such split", found=name, expected=", ".join(known))
    return SplitKind(name)


def all_rivals(plan: Plan) -> list[Rival]:
    """The rows, cheap ones first."""
    solved, weights = plan.folder / "solved", plan.folder / "weights"
    return [
        Persistence(),
        Scaling(),
        Solver(plan.world, solved),
        LogRatio(Ridge(), FITTED),
        ours(weights),
        one_shot_network(weights),
        LogRatio(ResidualNetwork(), FITTED),
        LogRatio(Trees(), FITTED),
        IteratedSolver(plan.world, solved),
    ]


def chosen_rivals(plan: Plan) -> list[Rival]:
    """Rivals by name, all where none is named. Raises ``InputError`` for an unknown one."""
    rivals = all_rivals(plan)
    known = [rival.name for rival in rivals]
    for name in plan.rivals:
        if name not in known:
            raise InputError("no such row", found=name, expected=", ".join(known))
    return [rival for rival in rivals if not plan.rivals or rival.name in plan.rivals]


def run_chain(plan: Plan, machine: str, say: Say) -> Path:
    """Everything; returns the path of the page of results, which is renewed after every row and exhibit."""
    world_folder(plan.world, plan.cells, plan.world_seed, "1", say)
    world = read_world(dataset_of(plan.world, plan.folder, say))
    facts = facts_of(plan, world, machine)
    path = write_results(plan, world, facts)
    tasks = tasks_of(plan, world)
    store = RowStore(plan.folder / "rows")
    for _ in run_rows(tasks, chosen_rivals(plan), store, say):
        write_results(plan, world, facts)
    if plan.half is not None:
        for _ in resolution_rows(plan, world, say):
            write_results(plan, world, facts)
    for make in chosen_exhibits(plan):
        make(plan, world, say)
        write_results(plan, world, facts)
    return path


def write_results(plan: Plan, world: World, facts: Mapping[str, Any]) -> Path:
    """Table of all finished rows and exhibits of this world as JSON and Markdown."""
    of_this = {"dataset_sha256": world.sha256}
    rows = [
        row
        for row in RowStore(plan.folder / "rows").all()
        if row["rests_on"]["dataset_sha256"] == world.sha256
    ]
    exhibits = finished(plan.folder / "exhibits", of_this)
    plan.results.mkdir(parents=True, exist_ok=True)
    write_text(plan.results / "spinup.json", json.dumps(result(rows, exhibits, facts), indent=1) + "\n")
    path = plan.results / "spinup.md"
    write_text(path, page(rows, exhibits, facts))
    return path


def facts_of(plan: Plan, world: World, machine: str) -> dict[str, Any]:
    """What the numbers rest on."""
    manifest = json.loads((plan.world / "manifest.json").read_text(encoding="utf-8"))
    settings = manifest.get("settings", {})
    kept = ("cells", "seed", "resolution", "members", "cycle_years", "tolerance")
    return {
        "machine": machine,
        "world": ", ".join(f"{key} {settings[key]}" for key in kept if key in settings),
        "truth": truth_text(manifest.get("members", [])),
        "not judged": f"{int((~world.plausible).sum())} cells in whose truth a layer holds more carbon than "
        f"solid wood ({SOLID_WOOD:g} gC m-3): wood debris where phosphorus is gone",
        "data set sha256": world.sha256[:16],
        "tuning budget of every row that learns": budget_text(plan.budget),
        "statistical rows": f"fitted to {len(FITTED)} pools; the other rows give all {len(world.pools)}",
    }


def budget_text(budget: Budget) -> str:
    """The budget in words."""
    tried = "one fixed setting, no trials"
    if budget.trials > 1:
        cells = budget.trial_cells
        tried = f"{budget.trials} settings on {cells} training cells, chosen on validation cells"
    return f"{tried}; at most {budget.epochs} passes over the training cells, stopped by validation cells"


def truth_text(members: Sequence[Mapping[str, Any]]) -> str:
    """How far the truth is at rest, as the manifest of the world says."""
    over = sum(one.get("cells_over", 0) for one in members)
    largest = max((one.get("drift_max", float("nan")) for one in members), default=float("nan"))
    return (
        f"reached by stepping; largest drift {largest:.2g} gC m-2 yr-1, {over} of "
        f"{sum(one.get('cells', 0) for one in members)} cells above 0.01"
    )
