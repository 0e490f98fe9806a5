"""Plants of every patch: what leaves, roots and wood become under another productivity.

ELM's allocation gives fixed shares of growth to tissues and each tissue turns over at its own rate: in
equilibrium every pool follows net primary production. Dead wood dies ``spinup_mortality_factor`` times faster
in accelerated spinup and is that much smaller there; in normal years it relaxes to its equilibrium with the
mortality of 2 % a year (`r_mort`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.spinup.cascade import SECONDS_PER_YEAR
from kiloland.spinup.operator.source import Source
from kiloland.spinup.solve.forecast import Wood
from kiloland.spinup.tables import DEAD_WOOD, TISSUES

Float = NDArray[np.float64]

_BELIEVED = (0.5, 2.0)
LIVE_WOOD = ("livestem", "livecroot")
TAILS = ("", "_storage", "_xfer")


def patch_names(source: Source) -> tuple[str, ...]:
    """Plant pools that the restart holds."""
    names = [f"{tissue}{element}{tail}" for tissue in TISSUES for element in "cnp" for tail in TAILS]
    names += ["retransn", "retransp", "tlai"]
    return tuple(name for name in names if name in source.restart)


def column_wood(source: Source, factor: float, at_exit: float) -> Wood:
    """Dead wood of all columns from the restart.

    `factor`: mortality factor of the accelerated run; `at_exit`: by what ELM multiplies dead wood when
    acceleration ends, the factor of the normal run's namelist (1 where it sets none).
    """
    dead = sum((patch_sum(source, f"{tissue}c") for tissue in DEAD_WOOD), np.zeros(source.columns))
    live = sum((patch_sum(source, f"{tissue}c") for tissue in LIVE_WOOD), np.zeros(source.columns))
    scale = factor if source.accelerated else 1.0
    whole = scale * dead + live
    mortality = read_mortality(source.paths.parameters) / SECONDS_PER_YEAR
    return Wood(
        dead_share=np.where(whole > 0.0, scale * dead / np.where(whole > 0.0, whole, 1.0), 0.0),
        mortality=mortality + fire_mortality(source),
        stock=scale * dead,
        level=np.full(source.columns, at_exit / scale if source.accelerated else 1.0),
        scale=np.ones(source.columns),
    )


def fire_mortality(source: Source) -> Float:
    """Loss of dead wood to fire, s-1 [column]: burned area times `cc_dstem` + (1 - cc_dstem) `fm_droot`.

    The mean over the patches by their dead stems; zero where the history has no burned area.
    """
    if not source.records.holds("FAREA_BURNED"):
        return np.zeros(source.columns)
    subgrid = source.subgrid
    with open_dataset(source.paths.parameters) as file:
        burnt, killed = (np.asarray(file[name].values(), np.float64) for name in ("cc_dstem", "fm_droot"))
    lost = np.nan_to_num(burnt + (1.0 - burnt) * killed)[subgrid.keys.pft_itypveg]
    dead = np.nan_to_num(np.asarray(source.restart["deadstemc"].values(), np.float64)[subgrid.pft_row])
    weight = subgrid.pft_weight * dead
    column = subgrid.keys.pft_column
    whole = np.bincount(column, weight, source.columns)
    share = np.bincount(column, weight * lost, source.columns) / np.where(whole > 0.0, whole, 1.0)
    everything = slice(0, source.columns)
    burned = source.intensive("FAREA_BURNED", everything, source.window.years).mean(axis=0)
    return np.asarray(share * burned, np.float64)


def block_wood(wood: Wood, block: slice, given: Float) -> Wood:
    """The wood of some columns, its equilibrium being what dies as fast as the operator's wood input `given`.

    A restart holds the dead wood of some last years; the input (gC m-2 s-1 [column]) is a mean of the years
    of the operator. The restart is believed within a factor of two.
    """
    share, mortality, stock = wood.dead_share[block], wood.mortality[block], wood.stock[block]
    died = mortality * stock
    known = (died > 0.0) & (given > 0.0)
    scale = np.where(known, np.clip(share * given / np.where(known, died, 1.0), *_BELIEVED), 1.0)
    return Wood(share, mortality, stock * scale, wood.level[block], scale)


def patch_sum(source: Source, name: str) -> Float:
    """A plant pool of all patches of each column by their weight, g m-2 of column."""
    subgrid = source.subgrid
    values = np.nan_to_num(np.asarray(source.restart[name].values(), np.float64)[subgrid.pft_row])
    total = np.bincount(subgrid.keys.pft_column, subgrid.pft_weight * values, source.columns)
    return np.asarray(total, np.float64)


def read_mortality(parameters: Path) -> float:
    """Share of the plants that dies in a year (`r_mort`). Raises InputError where it is none."""
    with open_dataset(parameters) as file:
        value = float(np.ravel(file["r_mort"].values())[0])
    if not 0.0 < value < 1.0:
        raise InputError("no yearly mortality", file=parameters, variable="r_mort", found=value)
    return value


def patch_values(source: Source, name: str, ratio: Float, wood: Float, factor: float) -> Float:
    """A plant pool of all patches under `ratio` of productivity and `wood` level, both by column.

    Dead wood becomes its equilibrium times the level, others the restart's times the ratio; leaf area
    follows leaf carbon by ELM's canopy relation.
    """
    subgrid = source.subgrid
    column = subgrid.keys.pft_column
    stored = np.asarray(source.restart[name].values(), np.float64)[subgrid.pft_row]
    if not np.isfinite(stored).all():
        patch = int(np.flatnonzero(~np.isfinite(stored))[0])
        raise source.not_a_number(source.paths.restart, name, int(column[patch]), None)
    if any(name in (f"{tissue}{element}" for element in "cnp") for tissue in DEAD_WOOD):
        scale = factor if source.accelerated else 1.0
        return np.asarray(stored * scale * wood[column], np.float64)
    if name == "tlai":
        return leaf_area(source, stored, ratio[column])
    return np.asarray(stored * ratio[column], np.float64)


def leaf_area(source: Source, stored: Float, ratio: Float) -> Float:
    """Leaf area when leaf carbon changes by `ratio`: slatop (exp(dsladlai C) - 1) / dsladlai, relative.

    Proportional to leaf carbon where the slope is zero or no parameter file has it.
    """
    plant = source.subgrid.keys.pft_itypveg
    with open_dataset(source.paths.parameters) as file:
        top = np.asarray(file["slatop"].values(), np.float64)[plant]
        linear = "dsladlai" not in file
        slope = np.zeros_like(top) if linear else np.asarray(file["dsladlai"].values(), np.float64)[plant]
    curved = slope > 0.0
    safe = np.where(curved, slope, 1.0)
    carbon = np.log1p(np.where(curved, stored * safe / np.where(top > 0.0, top, 1.0), 0.0)) / safe
    area = top * np.expm1(safe * carbon * ratio) / safe
    return np.where(curved & (top > 0.0), area, stored * ratio)
