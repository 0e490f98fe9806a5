"""The ladder on ELM's own spinups: what each method makes of a short run, beside what ELM reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.files import open_dataset
from kiloland.spinup.benchmark.bars import Bar, Exhibit
from kiloland.spinup.benchmark.restarts import chosen, matched, natural_pools
from kiloland.spinup.cascade import layers
from kiloland.spinup.operator.source import RunPaths
from kiloland.spinup.pools import read_pools
from kiloland.spinup.solve.pipeline import solve_run
from kiloland.spinup.solve.request import Method, Request
from kiloland.spinup.subgrid import Subgrid, restart_subgrid
from kiloland.spinup.tables import POOLS

Float = NDArray[np.float64]

TOTALS: Final[Mapping[str, tuple[str, ...]]] = {
    "soil C": ("soil1c_vr", "soil2c_vr", "soil3c_vr", "soil4c_vr"),
    "soil 3": ("soil3c_vr",),
    "soil 4": ("soil4c_vr",),
    "litter": ("litr1c_vr", "litr2c_vr", "litr3c_vr"),
    "cwd": ("cwdc_vr",),
    "dead wood": ("deadstemc", "deadcrootc"),
    "labile P": ("labilep_vr",),
    "secondary P": ("secondp_vr",),
    "occluded P": ("occlp_vr",),
    "primary P": ("primp_vr",),
    "P in solution": ("solutionp_vr",),
}
"""Amounts that are compared, as sums of pools over columns, layers and patches."""
NAMES: Final = tuple(name for members in TOTALS.values() for name in members)
SOIL_CARBON: Final = 0.05
LAST: Final = "solver, year of the truth"


@dataclass(frozen=True)
class Spinup:
    """A spinup of ELM.

    ``paths``: the short run; ``exit``: restart at the end of acceleration; ``truth``: the last restart of the
    normal run, ``years`` long. Nothing after the restart of ``paths`` is read by a method.
    """

    name: str
    paths: RunPaths
    exit: Path
    truth: Path
    accelerated_until: int
    years: int


def elm_spinups(shared: Path) -> list[Spinup]:
    """The spinups of the reference data."""
    elm, zoo = shared / "data/elm", shared / "data/elm/zoo"
    temperate, cold = zoo / "temperate", elm / "ad_spinup105yr"
    return [
        Spinup(
            "temperate (two cells)",
            RunPaths(
                temperate / "ad/r.0041-01-01.nc.gz",
                tuple(sorted((temperate / "ad").glob("h?.*.nc.gz"))),
                temperate / "inputs/surfdata_ab.nc.gz",
                zoo / "inputs_shared/clm_params.nc.gz",
            ),
            temperate / "ad/r.0061-01-01.nc.gz",
            temperate / "final/r.0101-01-01.nc.gz",
            61,
            100,
        ),
        Spinup(
            "boreal bog (one cell)",
            RunPaths(
                cold / "r.0036-01-01.nc.gz",
                tuple(sorted(cold.glob("*.h0.*.nc.gz"))),
                elm / "inputs/surfdata.nc",
                elm / "inputs/clm_params.nc.gz",
            ),
            cold / "r.0106-01-01.nc.gz",
            elm / "final_spinup/spr.elm.r.0141-01-01-00000.nc.gz",
            106,
            140,
        ),
    ]


def ladder_exhibit(spinups: list[Spinup], folder: Path) -> Exhibit:
    """Relative error of every amount, a row for each spinup and method."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, bars = [], []
    for spinup in spinups:
        truth = amounts_on_file(spinup.truth, spinup.truth, spinup.paths.parameters)
        for method, found in steps(spinup, folder):
            errors = {name: error(found.get(name), truth[name]) for name in TOTALS}
            rows.append((spinup.name, method, *(text(one) for one in errors.values())))
            if method == LAST:
                bars.append(
                    Bar(
                        f"ELM's own spinup, {spinup.name}: total soil carbon",
                        "within 5 %",
                        text(errors["soil C"]),
                        abs(errors["soil C"]) <= SOIL_CARBON,
                    )
                )
    return Exhibit(
        "ELM's own spinups",
        "Relative error of amounts against the last year of the normal run. No method but the native exit "
        "reads a record after the short run (year 41; bog: year 36).",
        ("spinup", "method", *TOTALS),
        tuple(rows),
        tuple(bars),
    )


def steps(spinup: Spinup, folder: Path) -> Iterator[tuple[str, Mapping[str, float]]]:
    """The methods from the simplest on, with the amounts that each gives."""
    reference = spinup.truth
    yield "native exit", amounts_on_file(spinup.exit, reference, spinup.paths.parameters)
    requests = {
        "scaling": Request(method=Method.SCALING),
        "operator alone, equilibrium": Request(limitation=False),
        "solver, equilibrium": Request(),
        "anderson, equilibrium": Request(method=Method.ANDERSON),
        LAST: Request(year=spinup.years, accelerated_until=spinup.accelerated_until),
    }
    for method, request in requests.items():
        path = folder / "pools.nc"
        solve_run(spinup.paths, request, path)
        pools = read_pools(path)
        path.unlink()
        with open_dataset(reference) as dataset:
            subgrid = restart_subgrid(dataset)
        yield method, amounts(pools.values, weights(subgrid, *matched(subgrid, pools.keys, reference)))


def amounts_on_file(restart: Path, reference: Path, parameters: Path) -> dict[str, float]:
    """Amounts of a restart in natural scale on the columns of another one."""
    with open_dataset(reference) as dataset:
        wanted = restart_subgrid(dataset)
    with open_dataset(restart) as dataset:
        subgrid = restart_subgrid(dataset)
        places = matched(subgrid, wanted.keys, restart)
        pools = chosen(natural_pools(dataset, subgrid, NAMES, parameters), *places)
    return amounts(
        pools, (wanted.column_weight, wanted.pft_weight * wanted.column_weight[wanted.keys.pft_column])
    )


def weights(subgrid: Subgrid, column: NDArray[np.int64], patch: NDArray[np.int64]) -> tuple[Float, Float]:
    """Weight of columns and patches on their cells, at these places."""
    on_cell = subgrid.pft_weight * subgrid.column_weight[subgrid.keys.pft_column]
    return subgrid.column_weight[column], on_cell[patch]


def amounts(pools: Mapping[str, Float], weight: tuple[Float, Float]) -> dict[str, float]:
    """Sums over all columns of the amounts whose pools are all there, g per m2 of land times cells."""
    column, patch = weight
    made = {}
    for total, members in TOTALS.items():
        if not set(members) <= set(pools):
            continue
        made[total] = float(
            sum(
                np.sum(patch * pools[name])
                if POOLS[name].on_patches
                else np.sum(column * (pools[name] @ layers().thickness))
                for name in members
            )
        )
    return made


def error(found: float | None, expected: float) -> float:
    """Relative error; NaN where there is nothing to compare."""
    return float("nan") if found is None or expected == 0.0 else found / expected - 1.0


def text(value: float) -> str:
    """In per cent with a sign."""
    return f"{100.0 * value:+.1f} %" if np.isfinite(value) else "-"
