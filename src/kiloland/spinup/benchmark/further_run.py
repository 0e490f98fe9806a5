"""A further short run of the model world from any restart of a member, with the files that ELM writes."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.generator.accelerate import ecosystem_totals
from kiloland.spinup.generator.build import make_mode
from kiloland.spinup.generator.climate import Climate
from kiloland.spinup.generator.continuation import averaged_scalar, continue_block, read_settings
from kiloland.spinup.generator.forcing import climate_values
from kiloland.spinup.generator.generate import WorldSettings, load_climate, member_cells
from kiloland.spinup.generator.member import constant_side, pad_cells, write_run
from kiloland.spinup.generator.restart_file import read_restart
from kiloland.spinup.generator.run import Site, run_years
from kiloland.spinup.generator.simulate import BlockResult, prepare, recorded
from kiloland.spinup.generator.state import WorldState
from kiloland.spinup.generator.store import BlockStore, flattened, write_block


def further_run(
    restart: Path, member_folder: Path, years: int, folder: Path
) -> tuple[Path, tuple[Path, ...]]:
    """Run so many years in normal mode; the new restart and the annual tapes of the last forcing cycle.

    ``years`` is rounded up to whole cycles. Everything is written below ``folder``.
    """
    settings, member = read_settings(member_folder)
    cycle = settings.cycle_years
    years = -(-years // cycle) * cycle
    climate = load_climate(settings)
    own = climate.take(member_cells(settings, climate, member))
    _, soil, plants, grid = constant_side(own, settings, member)
    state, _ = read_restart(restart, grid)
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for start in range(0, grid.cells, settings.block):
        rows = slice(start, min(start + settings.block, grid.cells))
        path = folder / f"block_{start}.nc"
        write_further_block(path, state, rows, own, settings, member, years)
        blocks.append(path)
    store = BlockStore(blocks)
    try:
        write_run(folder, "final", None, years + 1, store, (soil, plants, grid), settings, member)
    finally:
        store.close()
    for path in blocks:
        path.unlink()
    return folder / f"r.{years + 1:04d}-01-01-00000.nc", (folder / "h0.annual.nc", folder / "h1.annual.nc")


def ecosystem_carbon(restart: Path, member_folder: Path) -> NDArray[np.float64]:
    """Carbon of soil and plants that a restart of a member holds, gC m-2 [cell]."""
    settings, member = read_settings(member_folder)
    climate = load_climate(settings)
    own = climate.take(member_cells(settings, climate, member))
    _, soil, plants, grid = constant_side(own, settings, member)
    state, _ = read_restart(restart, grid)
    return ecosystem_totals(state, Site(soil, plants, ())).carbon


def carbon_after(
    restart: Path, member_folder: Path, years: int, most: int
) -> tuple[NDArray[np.float64], int]:
    """Ecosystem carbon in each year, gC m-2 [year, cell], NaN where not run; and years of a forcing cycle.

    Whole blocks are run on, evenly spread over the member, until ``most`` cells: each block is a belt of
    latitude.
    """
    settings, member = read_settings(member_folder)
    climate = load_climate(settings)
    own = climate.take(member_cells(settings, climate, member))
    _, _, _, grid = constant_side(own, settings, member)
    state, accelerated = read_restart(restart, grid)
    average = averaged_scalar(restart) if accelerated else None
    carbon = np.full((years + 1, grid.cells), np.nan)
    starts = np.arange(0, grid.cells, settings.block)
    wanted = min(starts.size, max(1, round(most / settings.block)))
    for start in starts[np.linspace(0, starts.size - 1, wanted).round().astype(int)].tolist():
        rows = slice(start, min(start + settings.block, grid.cells))
        here = own.take(np.arange(rows.start, rows.stop))
        _, totals = continue_block(state, rows, here, settings, member, years, average)
        carbon[:, rows] = totals[0]
    return carbon, settings.cycle_years


def write_further_block(
    path: Path,
    state: WorldState,
    rows: slice,
    climate: Climate,
    settings: WorldSettings,
    member: int,
    years: int,
) -> None:
    """One block: plain years, then a cycle with records."""
    count = rows.stop - rows.start
    cells = climate.take(rows.start + np.minimum(np.arange(settings.block), count - 1))
    _, weather, site = prepare(cells, settings.block_settings(member))
    here: WorldState = jax.tree.map(
        lambda leaf: jnp.asarray(pad_cells(np.asarray(leaf)[..., rows], settings.block)), state
    )
    plain = make_mode(site.soil, accelerated=False)
    if years > settings.cycle_years:
        here, _ = run_years(here, site, plain, 0, years - settings.cycle_years)
    done = recorded(here, site, plain, range(settings.cycle_years))
    # The block was filled up to the size that is compiled.
    end, tape = jax.tree.map(lambda leaf: np.asarray(leaf)[..., :count], done)
    none = np.zeros(count)
    values = flattened(BlockResult(end, none + 1.0, tape, end, tape, none, none, none, none, none))
    for name, field in climate_values(cells, weather).items():
        values[name] = np.ascontiguousarray(field[..., :count])
    write_block(path, values, {})
