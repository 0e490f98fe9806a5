"""Tables of the page of a spinup: pools, plant types, layers, drift, and the comparison of methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.report.page import Table
from kiloland.report.spinup_drift import Drift
from kiloland.report.spinup_values import SOIL_CARBON, SpinupStates
from kiloland.spinup.benchmark.scores import explained, holds_something, log_error, relative
from kiloland.spinup.cascade import layers
from kiloland.spinup.tables import HEADLINE, POOLS

Float = NDArray[np.float64]


def tables(states: SpinupStates, drift: Drift | None, evidence: Path | None) -> list[Table]:
    """Numbers: pools, plant types, layers, drift, and the comparison of methods."""
    made = [pool_table(states), *plant_tables(states), *layer_tables(states)]
    if drift is not None:
        size = np.abs(drift.change[np.isfinite(drift.change)])
        rows = [(f"{q} % of the cells below", float(np.percentile(size, q))) for q in (50, 90, 95, 99)]
        made.append(Table("Drift after the restart", ("", "gC m-2 yr-1"), rows))
    return [*made, *(evidence_tables(evidence) if evidence is not None else [])]


def pool_table(states: SpinupStates) -> Table:
    """Totals of every pool, and its scores where there is a truth."""
    truth = states.truth
    headings: tuple[str, ...] = ("pool", "units", "short run", "predicted")
    rows: list[tuple[object, ...]] = []
    for name in states.names:
        predicted = states.predicted[name]
        row: tuple[object, ...] = (
            name,
            amount_units(name),
            mean(states, name, states.before.get(name)),
            mean(states, name, predicted),
        )
        if truth is not None:
            row += against_truth(states, name, truth.get(name))
        rows.append(row)
    if truth is not None:
        headings += ("true", "error of the total", "R2", "median |ln ratio|")
    return Table("Pools, mean over the land", headings, rows)


def against_truth(states: SpinupStates, name: str, truth: Float | None) -> tuple[object, ...]:
    """Mean, relative error of the total, R2 and error of the logarithm of one pool."""
    if truth is None:
        return ("-",) * 4
    there = filled(states, name, truth)
    predicted = states.predicted[name]
    error = relative(
        float(np.sum(states.weight(name) * predicted)), float(np.sum(states.weight(name) * truth))
    )
    return (
        mean(states, name, truth),
        f"{100.0 * error:.2f} %" if np.isfinite(error) else "-",
        f"{explained(predicted[there], truth[there]):.4f}",
        f"{log_error(predicted[there], truth[there]):.4f}",
    )


def filled(states: SpinupStates, name: str, truth: Float) -> NDArray[np.bool_]:
    """Entries with weight where the truth holds more than a trace."""
    return holds_something(truth, states.weight(name))


def mean(states: SpinupStates, name: str, values: Float | None) -> object:
    """Mean amount per m2 of land."""
    if values is None:
        return "-"
    return float(np.average(states.amount(name, values), weights=states.area))


def amount_units(name: str) -> str:
    """Units of the amount in a column."""
    return POOLS[name].units.replace("/m3", "/m2")


def plant_tables(states: SpinupStates) -> list[Table]:
    """Wood and leaf area by plant type."""
    names = [name for name in HEADLINE if name in states.predicted and POOLS[name].on_patches]
    if not names:
        return []
    truth, rows = states.truth or {}, []
    for plant in np.unique(states.keys.pft_itypveg):
        here = (states.keys.pft_itypveg == plant) & (states.patch_area > 0.0)
        if not here.any():
            continue
        row: list[object] = [int(plant), int(here.sum())]
        for name in names:
            for side in (states.predicted, truth):
                values = side.get(name)
                row.append(
                    "-"
                    if values is None
                    else float(np.average(values[here], weights=states.patch_area[here]))
                )
        rows.append(tuple(row))
    pairs = (f"{name}, {side}" for name in names for side in ("predicted", "true"))
    return [Table("By plant type, mean of the patches", ("type", "patches", *pairs), rows)]


def layer_tables(states: SpinupStates) -> list[Table]:
    """Soil carbon by layer."""
    names = [name for name in SOIL_CARBON if name in states.predicted]
    if not names:
        return []
    sides = {"short run": states.before, "predicted": states.predicted}
    sides |= {"true": states.truth} if states.truth is not None else {}
    profiles = {side: soil_profile(states, pools, names) for side, pools in sides.items()}
    rows = [
        (layer + 1, f"{depth:.3f}", *(float(profile[layer]) for profile in profiles.values()))
        for layer, depth in enumerate(layers().node)
    ]
    return [Table("Soil carbon by layer, gC m-3", ("layer", "depth (m)", *profiles), rows)]


def soil_profile(states: SpinupStates, pools: Mapping[str, Float], names: list[str]) -> Float:
    """Mean of the sum of pools in each layer, g m-3."""
    total = np.sum([pools[name] for name in names if name in pools], axis=0)
    return np.asarray(np.average(total, axis=0, weights=states.area))


def evidence_tables(path: Path) -> list[Table]:
    """The comparison of methods and the bars, as the benchmark wrote them."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    made = [Table(exhibit["title"], exhibit["headings"], exhibit["rows"]) for exhibit in content["exhibits"]]
    rows = [(one["name"], one["target"], one["found"], verdict(one["met"])) for one in content["bars"]]
    return [*made, Table("Bars", ("what", "must reach", "found", "verdict"), rows)]


def verdict(met: bool | None) -> str:
    return "not measured" if met is None else "met" if met else "missed"
