"""Rows of the table: run once, kept as small JSON files, used again while what they rest on is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.files import write_text
from kiloland.spinup.benchmark.scores import relative, short
from kiloland.spinup.benchmark.task import Float, Prediction, Rival, Task
from kiloland.spinup.benchmark.world import SOLID_WOOD, World, compare, judged, pooled_score
from kiloland.spinup.tables import HEADLINE

Say = Callable[[str], None]


@dataclass(frozen=True)
class RowStore:
    """A folder of finished rows."""

    folder: Path

    def path(self, split: str, rival: str, seed: int) -> Path:
        """The file of a row."""
        return self.folder / f"{file_name(split)}--{file_name(rival)}--{seed}.json"

    def find(self, split: str, rival: str, seed: int, rests_on: Mapping[str, Any]) -> dict[str, Any] | None:
        """A finished row that rests on the same data, split and budget; None where there is none."""
        path = self.path(split, rival, seed)
        if not path.exists():
            return None
        row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return row if row.get("rests_on") == rests_on else None

    def put(self, row: Mapping[str, Any]) -> None:
        """Keep a row."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(row["split"], row["rival"], row["seed"])
        write_text(path, json.dumps(row, indent=1) + "\n")

    def all(self) -> list[dict[str, Any]]:
        """Every finished row, in the order of the names of their files."""
        return [
            json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.folder.glob("*--*.json"))
        ]


def file_name(words: str) -> str:
    """Words as part of the name of a file.

    >>> file_name("random, 5 %")
    'random_5'
    """
    return "_".join("".join(c if c.isalnum() or c in ".-" else " " for c in words).split())


def rests_on(task: Task) -> dict[str, Any]:
    """What a result depends on beside the program: data, split, targets and budget."""
    return {
        "dataset_sha256": task.world.sha256,
        "split_sha256": task.split.sha256,
        "targets": len(task.targets),
        "budget": asdict(task.budget),
    }


def scored_on(task: Task) -> dict[str, Any]:
    """What a score depends on: that, and which cells count."""
    return {**rests_on(task), "densest_layer": SOLID_WOOD}


def run_rows(
    tasks: Sequence[Task], rivals: Sequence[Rival], store: RowStore, say: Say
) -> Iterator[dict[str, Any]]:
    """Run what is not finished, row by row; each is kept as soon as it is done."""
    for task in tasks:
        for rival in rivals:
            label = f"{task.split.name}, {rival.name}, seed {task.seed}"
            row = store.find(task.split.name, rival.name, task.seed, scored_on(task))
            if row is None:
                say(f"{label} ...")
                row = row_of(task, rival, rival.predict(task))
                store.put(row)
            say(f"{label}: headline R2 {row['headline_r2']}, {row['facts'].get('seconds', 0)} s")
            yield row


def row_of(task: Task, rival: Rival, prediction: Prediction) -> dict[str, Any]:
    """Scores of one prediction on the test cells."""
    world = task.world
    pools, test = judged(world, prediction.pools, task.split.test)
    names = [name for name in task.targets if name in pools]
    scores = compare(world, pools, test, names)
    headline = [name for name in HEADLINE if name in names]
    totals = carbon_totals(world, pools, test)
    return {
        "rival": rival.name,
        "split": task.split.name,
        "seed": task.seed,
        "rests_on": scored_on(task),
        "cells": {
            "train": task.split.train.size,
            "validation": task.split.validation.size,
            "test": test.size,
        },
        "headline_r2": short(pooled_score(world, pools, test, headline)),
        "pools": {name: one.as_json() for name, one in scores.items()},
        "totals": totals,
        "facts": dict(prediction.facts),
    }


def carbon_totals(world: World, pools: Mapping[str, Float], cells: Any) -> dict[str, Any]:
    """Relative error of soil and plant carbon, of all cells and of each biome, where all pools are there."""
    found = {}
    for total, members in total_members(world).items():
        if not members or not set(members) <= set(pools):
            continue
        given, expected = np.zeros(cells.size), np.zeros(cells.size)
        for name in members:
            weight = world.weight(name)[cells]
            given += np.nansum(weight * pools[name], axis=1)
            expected += np.nansum(weight * world.truth[name][cells], axis=1)
        by_biome = {
            str(number): short(relative(float(given[inside].sum()), float(expected[inside].sum())))
            for number in np.unique(world.biome[cells])
            if (inside := world.biome[cells] == number).sum() >= 10
        }
        found[total] = {
            "bias": short(relative(float(given.sum()), float(expected.sum()))),
            "biomes": by_biome,
        }
    return found


def total_members(world: World) -> dict[str, tuple[str, ...]]:
    """The carbon pools of the world that make up each total."""
    soil = tuple(n for n in world.pools if n in ("soil1c_vr", "soil2c_vr", "soil3c_vr", "soil4c_vr"))
    plants = ("leafc", "frootc", "livestemc", "deadstemc", "livecrootc", "deadcrootc")
    return {"soil carbon": soil, "plant carbon": tuple(n for n in plants if n in world.pools)}
