"""How near each way of leaving accelerated spinup comes to ELM's own normal run: ``python -m`` this module.

From the restart and the history up to year 41 (36) of the accelerated reference runs the state at the end of
the normal runs is predicted; no later file is read but the last restart, to compare with.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.spinup.cascade import LAYERS, POOLS, layers
from kiloland.spinup.operator.source import RunPaths, Source
from kiloland.spinup.solve.pipeline import MINERAL, accelerations, solve_block
from kiloland.spinup.solve.request import Method, Request
from kiloland.spinup.solve.vegetation import column_wood, patch_sum, patch_values
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import DEAD_WOOD
from kiloland.verify.oracle.material import default_folder

Float = NDArray[np.float64]

QUANTITIES = ("total soil C", *(f"{pool} C" for pool in POOLS), "dead wood C", "organic P", *MINERAL)


@dataclass(frozen=True)
class Case:
    """A pair of reference runs: files to predict from, the truth, and the plan of the runs."""

    name: str
    paths: RunPaths
    truth: Path
    year: int
    accelerated_until: int


@dataclass(frozen=True)
class Rung:
    """One way of prediction: relative errors by quantity [quantity, column], NaN where it says nothing."""

    name: str
    error: Float


def cases(folder: Path) -> tuple[Case, ...]:
    """The two pairs of accelerated and normal runs of the reference data."""
    zoo, inputs = folder / "zoo" / "temperate", folder / "zoo" / "inputs_shared"
    early, late = folder / "ad_spinup105yr", folder / "final_spinup"
    return (
        Case(
            "zoo/temperate",
            RunPaths(
                zoo / "ad" / "r.0041-01-01.nc.gz",
                (zoo / "ad" / "h0.0001-01-01.nc.gz",),
                zoo / "inputs" / "surfdata_ab.nc.gz",
                inputs / "clm_params.nc.gz",
                inputs / "CNP_parameters.nc",
            ),
            zoo / "final" / "r.0101-01-01.nc.gz",
            100,
            61,
        ),
        Case(
            "final_spinup",
            RunPaths(
                early / "r.0036-01-01.nc.gz",
                (early / "spr.elm.h0.0001-01-01-00000.nc.gz",),
                folder / "inputs" / "surfdata.nc",
                folder / "inputs" / "clm_params.nc.gz",
                folder / "inputs" / "CNP_parameters.nc",
            ),
            late / "spr.elm.r.0141-01-01-00000.nc.gz",
            140,
            106,
        ),
    )


def climb(case: Case) -> tuple[Rung, ...]:
    """All rungs of a case: errors relative to ELM's own restart."""
    with Source(case.paths) as source:
        truth = true_values(case.truth, source)
        plain = Request(year=case.year, limitation=False, accelerated_until=case.accelerated_until)
        known = replace(plain, limitation=True)
        made = {
            "native exit": native_values(source),
            "scaling": predicted(source, Request(method=Method.SCALING)),
            "equilibrium, productivity kept": predicted(source, replace(plain, year=None)),
            "equilibrium": predicted(source, replace(known, year=None)),
            "finite time, productivity kept": predicted(source, plain),
            "finite time": predicted(source, known),
            "finite time, exit year not known": predicted(source, replace(known, accelerated_until=100)),
        }
    return tuple(Rung(name, values / truth - 1.0) for name, values in made.items())


def predicted(source: Source, request: Request) -> Float:
    """Quantities of a request, [quantity, column]."""
    wood = column_wood(source, request.mortality_factor, request.wood_at_exit)
    solved = solve_block(source, slice(0, source.columns), wood, request)
    dead = np.zeros(source.columns)
    subgrid = source.subgrid
    for tissue in DEAD_WOOD:
        values = patch_values(source, f"{tissue}c", solved.ratio, solved.wood, request.mortality_factor)
        dead += np.bincount(subgrid.keys.pft_column, subgrid.pft_weight * values, source.columns)
    return quantities(solved.values, dead)


def native_values(source: Source) -> Float:
    """What ELM makes of the restart if it leaves acceleration now: factor over `scalaravg_col` as it is."""
    block = slice(0, source.columns)
    before = accelerations(source, block).before
    factor = np.where(before > 1.0, before / source.scalar_average(block), 1.0)
    values = {}
    for number, pool in enumerate(POOLS):
        for element in "cnp":
            name = f"{pool}{element}_vr"
            values[name] = (source.stored(name, block) * factor[number]).T
    dead = sum((patch_sum(source, f"{tissue}c") for tissue in DEAD_WOOD), np.zeros(source.columns))
    return quantities(values, dead)


def true_values(path: Path, source: Source) -> Float:
    """Quantities of ELM's own restart, which must have the columns of the source."""
    with open_dataset(path) as restart:
        subgrid = restart_subgrid(restart)
        if not np.array_equal(subgrid.keys.column_codes(), source.subgrid.keys.column_codes()):
            raise InputError("other columns than those of the accelerated run", file=path)
        names = [f"{pool}{element}_vr" for pool in POOLS for element in "cnp"]
        names += [f"{pool}_vr" for pool in MINERAL]
        rows = (subgrid.column_row, slice(0, LAYERS))
        values = {name: np.asarray(restart[name].values(rows), np.float64) for name in names}
        dead = np.zeros(source.columns)
        for tissue in DEAD_WOOD:
            stored = np.asarray(restart[f"{tissue}c"].values(), np.float64)[subgrid.pft_row]
            dead += np.bincount(subgrid.keys.pft_column, subgrid.pft_weight * stored, source.columns)
    return quantities(values, dead)


def quantities(values: dict[str, Float], dead: Float) -> Float:
    """Column sums, g m-2 [quantity, column], of pools [column, layer]; NaN for pools that are not there."""
    thickness = layers().thickness

    def column(name: str) -> Float:
        found = values.get(name)
        return np.full_like(dead, np.nan) if found is None else np.asarray(found @ thickness, np.float64)

    carbon = [column(f"{pool}c_vr") for pool in POOLS]
    organic = sum((column(f"{pool}p_vr") for pool in POOLS), np.zeros_like(dead))
    mineral = [column(f"{name}_vr") for name in MINERAL]
    return np.stack([sum(carbon[4:], np.zeros_like(dead)), *carbon, dead, organic, *mineral])


def table(case: Case, rungs: tuple[Rung, ...]) -> str:
    """The ladder of a case as a Markdown table of errors in percent, columns one after the other."""
    text = [f"### {case.name}, year {case.year}", ""]
    text.append("| | " + " | ".join(rung.name for rung in rungs) + " |")
    text.append("|---" * (len(rungs) + 1) + "|")
    for number, quantity in enumerate(QUANTITIES):
        cells = [", ".join(percent(error) for error in rung.error[number]) for rung in rungs]
        text.append(f"| {quantity} | " + " | ".join(cells) + " |")
    return "\n".join(text)


def percent(error: float) -> str:
    """A relative error in percent."""
    return "-" if not np.isfinite(error) else f"{100.0 * error:+.1f}"


def main() -> int:
    """Print all ladders."""
    folder = default_folder()
    if folder is None:
        print("the reference data are not here (KILOLAND_SHARED)", file=sys.stderr)
        return 2
    for case in cases(folder):
        print(table(case, climb(case)), end="\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
