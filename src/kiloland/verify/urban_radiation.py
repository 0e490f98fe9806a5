"""Evidence for light and longwave in towns: ELM's restarts and per-step tapes recomputed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.land.biophysics.urban_albedo import UrbanAlbedo, urban_albedo
from kiloland.land.urban_town import UrbanParameters, by_surface
from kiloland.run.namelist import find_input
from kiloland.run.surface import surface_positions
from kiloland.run.urban_columns import ABSORBED, Towns, find_towns, load_urban_state, restart_albedo
from kiloland.run.urban_parameters import read_urban_parameters
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding
from kiloland.verify.radiation import Difference, difference

Values = NDArray[np.float64]
NO_TOWN = "no town in the restarts"


def towns_of(bench: Bench) -> Towns:
    """The towns of a run.

    Raises:
        InputError: there is none.
    """
    if not bench.restarts:
        raise InputError("no restart that can be read", file=bench.run.folder)
    towns = find_towns(bench.restarts[0].restart)
    if not towns.count:
        raise InputError(NO_TOWN, file=bench.run.folder)
    return towns


def parameters_of(bench: Bench, towns: Towns) -> UrbanParameters:
    """Parameters of the towns of a run."""
    path = find_input(bench.run.surface or bench.settings.surface, bench.folders)
    values = towns.restart.values
    cells = surface_positions(path, values["grid1d_ixy"], values["grid1d_jxy"])
    return read_urban_parameters(path, cells[towns.gridcell], towns.density_class)


def albedo_of_towns(bench: Bench) -> Iterator[Finding]:
    """Light absorbed and reflected, from zenith and snow in the same restart."""
    towns = towns_of(bench)
    parameters = parameters_of(bench, towns)
    for item in bench.restarts:
        here = dataclasses.replace(towns, restart=item.restart)
        state = load_urban_state(here)
        ours: UrbanAlbedo = _albedo(
            parameters, state.cosine_zenith, by_surface(state.snow_fraction), by_surface(state.snow_water)
        )
        yield from placed(item.name, albedo_differences(ours, restart_albedo(here)))
        day = np.asarray(state.cosine_zenith > 0.0)
        for name, values in (("albgrd", ours.albedo_direct), ("albgri", ours.albedo_diffuse)):
            ground = np.where(day, np.asarray(values), 0.0)
            yield from placed(
                item.name, [difference(name, ground, np.asarray(by_surface(here.columns(name))))]
            )


def albedo_differences(ours: UrbanAlbedo, theirs: UrbanAlbedo) -> list[Difference]:
    """One entry for each restart variable of the set."""
    found = []
    for beam, letter, name_of_albedo in (("direct", "dir", "albd"), ("diffuse", "dif", "albi")):
        mine, other = (np.asarray(getattr(side, f"absorbed_{beam}")) for side in (ours, theirs))
        for surface, name in enumerate(ABSORBED):
            found.append(difference(f"{name}_{letter}", mine[:, surface], other[:, surface]))
        mine, other = (np.asarray(getattr(side, f"albedo_{beam}")) for side in (ours, theirs))
        found.append(difference(name_of_albedo, mine, other))
    return found


def placed(name: str, found: Sequence[Difference]) -> Iterator[Difference]:
    """Differences that name the restart before their step."""
    for item in found:
        if item.compared:
            yield dataclasses.replace(item, place=f"{name} {item.place}")


_albedo = jax.jit(urban_albedo)
