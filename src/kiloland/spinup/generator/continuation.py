"""Going on from a written restart in normal mode: how much does the model world drift?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.spinup.generator.accelerate import ecosystem_totals
from kiloland.spinup.generator.build import make_mode
from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.exit import left_acceleration
from kiloland.spinup.generator.generate import WorldSettings, cells_of, load_climate, member_cells
from kiloland.spinup.generator.member import constant_side, pad_cells
from kiloland.spinup.generator.restart_file import finite, read_restart
from kiloland.spinup.generator.run import Site, run_year
from kiloland.spinup.generator.simulate import prepare
from kiloland.spinup.generator.state import Mode, WorldState


class Continued(NamedTuple):
    """Ecosystem totals of a run in normal mode, g m-2, ``year cell`` with the start first; and its end."""

    carbon: FloatArray
    nitrogen: FloatArray
    phosphorus: FloatArray
    cycle_years: int
    area: FloatArray
    """km2, ``cell``."""
    latitude: FloatArray
    state: WorldState

    @property
    def drift(self) -> FloatArray:
        """Change of ecosystem carbon in each year, gC m-2 yr-1, ``year cell``."""
        return np.diff(self.carbon, axis=0)

    @property
    def last_cycle(self) -> FloatArray:
        """Drift over the last whole forcing cycle, gC m-2 yr-1, ``cell``."""
        years = min(self.cycle_years, len(self.carbon) - 1)
        return np.asarray((self.carbon[-1] - self.carbon[-1 - years]) / years)


def read_settings(member_dir: Path) -> tuple[WorldSettings, int]:
    """Settings of the world that a member folder belongs to, and its number."""
    path = member_dir.resolve().parent / "settings.json"
    name = member_dir.resolve().name
    if not path.is_file() or not name.startswith("member_"):
        raise InputError("is no member of a model world", file=member_dir, expected="DIR/member_NN")
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("format")
    return WorldSettings(**content), int(name.removeprefix("member_"))


def continue_run(restart_path: Path, member_dir: Path, years: int) -> Continued:
    """Step so many years in normal mode from a restart with ELM's layout, all of its state read.

    A restart of accelerated spinup (``spinup_state`` 1) is left as ELM leaves it: pools times factor over
    averaged scalar, mineral P from the surface file. Raises InputError where the restart does not fit.
    """
    if years < 1:
        raise InputError("--years", found=years, expected="at least 1")
    settings, member = read_settings(member_dir)
    climate = load_climate(settings)
    index = member_cells(settings, climate, member)
    own = climate.take(index)
    _, _, _, grid = constant_side(own, settings, member)
    state, accelerated = read_restart(restart_path, grid)
    average = averaged_scalar(restart_path) if accelerated else None
    parts = []
    for start in range(0, cells_of(settings, member), settings.block):
        rows = slice(start, min(start + settings.block, grid.cells))
        parts.append(
            continue_block(
                state, rows, own.take(np.arange(grid.cells)[rows]), settings, member, years, average
            )
        )
    joined = [np.concatenate([part[1][number] for part in parts], axis=1) for number in range(3)]
    end: WorldState = jax.tree.map(
        lambda *leaves: np.concatenate(leaves, axis=-1), *[part[0] for part in parts]
    )
    return Continued(joined[0], joined[1], joined[2], settings.cycle_years, own.area, own.latitude, end)


def averaged_scalar(path: Path) -> FloatArray:
    """The averaged scalar of a restart of accelerated spinup, ``cell``."""
    from kiloland.files import open_dataset

    with open_dataset(path) as file:
        return np.asarray(finite(file, "scalaravg_col")[:, 0])


def continue_block(
    state: WorldState,
    rows: slice,
    climate: object,
    settings: WorldSettings,
    member: int,
    years: int,
    average: FloatArray | None,
) -> tuple[WorldState, list[FloatArray]]:
    """End and totals of one block; the last block is filled up as it was when it was made."""
    from kiloland.spinup.generator.climate import Climate

    assert isinstance(climate, Climate)
    count = len(climate.identity)
    filled = climate.take(np.minimum(np.arange(settings.block), count - 1))
    _, _, site = prepare(filled, settings.block_settings(member))
    here: WorldState = jax.tree.map(
        lambda leaf: jnp.asarray(pad_cells(np.asarray(leaf)[..., rows], settings.block)), state
    )
    if average is not None:
        here = left_acceleration(here, site, pad_cells(average[rows], settings.block))
    mode = make_mode(site.soil, accelerated=False)
    totals = [ecosystem_totals(here, site)]
    for year in range(years):
        here = one_year(here, site, mode, year)
        totals.append(ecosystem_totals(here, site))
    end: WorldState = jax.tree.map(lambda leaf: np.asarray(leaf)[..., :count], here)
    return end, [np.stack([total[element][:count] for total in totals]) for element in range(3)]


def one_year(state: WorldState, site: Site, mode: Mode, year: int) -> WorldState:
    """One plain year of the forcing cycle."""
    weather = site.years[year % len(site.years)]
    end: WorldState
    end = run_year(state, site.soil, site.plants, weather, mode).state
    return end
