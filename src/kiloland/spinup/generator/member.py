"""The files of one member from its finished blocks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from kiloland.files.manifest import file_sha256
from kiloland.spinup.generator.build import make_plants, make_soil
from kiloland.spinup.generator.cells import CellProperties, make_properties
from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import SECONDS
from kiloland.spinup.generator.exit import LAST_YEAR
from kiloland.spinup.generator.forcing import UNITS
from kiloland.spinup.generator.history_file import Array, Fields, write_columns, write_patches
from kiloland.spinup.generator.input_files import write_parameters, write_soil_orders, write_surface
from kiloland.spinup.generator.layout import Subgrid
from kiloland.spinup.generator.restart_file import write_restart
from kiloland.spinup.generator.state import Plants, Soil
from kiloland.spinup.generator.store import BlockStore
from kiloland.spinup.generator.tapes import TapeMaker

if TYPE_CHECKING:
    from kiloland.spinup.generator.generate import WorldSettings

BINS = (0.0, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 1e-1, 1.0, np.inf)
RESTART = "r.0041-01-01-00000.nc"


def member_folder(folder: Path, member: int) -> Path:
    """Where the files of a member lie."""
    return folder / f"member_{member:02d}"


def constant_side(
    climate: Climate, settings: WorldSettings, member: int
) -> tuple[CellProperties, Soil, Plants, Subgrid]:
    """Properties of all cells of a member, block by block as they were simulated."""
    parts = []
    for start in range(0, len(climate.identity), settings.block):
        own = np.arange(start, min(start + settings.block, len(climate.identity)))
        cells = climate.take(np.concatenate([own, np.full(settings.block - len(own), own[-1])]))
        properties = make_properties(cells, settings.seed, member)
        made = properties.__dict__, make_soil(cells, properties), make_plants(properties)
        count = len(own)
        parts.append([jax.tree.map(partial(first_cells, count), part) for part in made])
    joined: Any = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *parts)
    properties = CellProperties(**joined[0])
    return properties, joined[1], joined[2], Subgrid(climate, properties.kind, properties.cover)


def write_member(
    folder: Path, climate: Climate, blocks: list[Path], settings: WorldSettings, member: int
) -> dict[str, Any]:
    """Write all files of a member; its evidence for the manifest."""
    properties, soil, plants, grid = constant_side(climate, settings, member)
    for part in ("ad", "final"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_surface(folder / "surface.nc", grid, properties, member)
    write_parameters(folder / "parameters.nc", member)
    write_soil_orders(folder / "CNP_parameters.nc", member)
    store = BlockStore(blocks)
    try:
        average = store.read("evidence.average")
        final_year = settings.cycle_years + 1
        runs: tuple[tuple[str, str, Array | None, int], ...] = (
            ("ad", "accelerated", average, LAST_YEAR + 1),
            ("final", "final", None, final_year),
        )
        for name, label, scalar, year in runs:
            write_run(folder / name, label, scalar, year, store, (soil, plants, grid), settings, member)
        evidence = drift_evidence(store, settings)
    finally:
        store.close()
    files = sorted(path for path in folder.rglob("*.nc"))
    evidence["files"] = {str(path.relative_to(folder)): file_sha256(path) for path in files}
    return evidence


def write_run(
    folder: Path,
    label: str,
    average: Array | None,
    year: int,
    store: BlockStore,
    constant: tuple[Soil, Plants, Subgrid],
    settings: WorldSettings,
    member: int,
) -> None:
    """Restart and tapes of the accelerated or the final run, which ends on 1 January of ``year``."""
    soil, plants, grid = constant
    write_restart(
        folder / f"r.{year:04d}-01-01-00000.nc",
        store.state(label),
        plants,
        grid,
        average=np.ones(grid.cells) if average is None else average,
        diffusivity=np.asarray(soil.diffusivity) / SECONDS,
        spin=average is not None,
        year=year,
        member=member,
        temperature=np.asarray(store.read("climate.last_day"), np.float64),
    )
    maker = TapeMaker(store, label, soil, plants, average)
    first = year - settings.cycle_years
    write_columns(folder / "h0.annual.nc", maker.columns(), grid, first=first, monthly=False, member=member)
    write_patches(folder / "h1.annual.nc", maker.patches(), grid, first=first, member=member)
    if average is not None:
        monthly = monthly_fields(store, label)
        write_columns(folder / "h0.monthly.nc", monthly, grid, first=first, monthly=True, member=member)


def monthly_fields(store: BlockStore, label: str) -> Fields:
    """The monthly tape: forcing, soil temperature and water, productivity and leaf area."""
    fields: Fields = {
        name: (units, text, lambda name=name: store.read(f"climate.month.{name}"))  # type: ignore[misc]
        for name, (units, text) in UNITS.items()
    }

    def water() -> Array:
        upper = store.read(f"{label}.months.WATER_UPPER")
        return np.stack([upper] * 5 + [store.read(f"{label}.months.WATER_LOWER")] * 5, axis=1)

    fields["H2OSOI"] = ("mm3/mm3", "volumetric soil water", water)
    fields["GPP"] = (
        "gC/m^2/s",
        "gross primary production",
        lambda: store.read(f"{label}.months.GPP") / np.float32(SECONDS),
    )
    fields["TLAI"] = ("1", "total projected leaf area index", lambda: store.read(f"{label}.months.TLAI"))
    return fields


def drift_evidence(store: BlockStore, settings: WorldSettings) -> dict[str, Any]:
    """What the last plain cycle shows of every cell."""
    drift = np.abs(store.read("evidence.drift"))
    moved, cycles = store.read("evidence.churn"), store.read("evidence.cycles")
    return {
        "cells": int(drift.size),
        "drift_max": float(drift.max()),
        "drift_median": float(np.median(drift)),
        "cells_over": int((~(drift < settings.tolerance)).sum()),
        "histogram": {
            "edges_gC_m-2_yr-1": [edge for edge in BINS if np.isfinite(edge)],
            "cells": np.histogram(drift, BINS)[0].tolist(),
        },
        "churn_max": float(moved.max()),
        "drift_n_max": float(np.abs(store.read("evidence.drift_n")).max()),
        "drift_p_max": float(np.abs(store.read("evidence.drift_p")).max()),
        "cycles_max": int(cycles.max()),
        "cycles_mean": float(cycles.mean()),
    }


def first_cells(count: int, leaf: Any) -> Array:
    """The first cells of an array."""
    return np.asarray(np.asarray(leaf)[..., :count])


def pad_cells(values: FloatArray, count: int) -> FloatArray:
    """The last axis filled up to ``count`` with its last entry."""
    missing = count - values.shape[-1]
    return np.concatenate([values, np.repeat(values[..., -1:], missing, axis=-1)], axis=-1)
