"""Evidence for the radiation in snow: albedo and absorption of every restart from its own snow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kiloland.land.biophysics.albedo import SnowRadiation
from kiloland.land.biophysics.snicar import SnowPack, snow_radiation, stored_absorption
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.subgrid import ColumnType
from kiloland.run.snow_tables import find_snow_files, read_snow_optics
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.snow_columns import SnowColumns, snow_columns

NO_ALBEDO = "coszen is fill, no albedo has been computed yet"


def snow_albedo(bench: Bench) -> Iterator[Finding]:
    """Snow albedo and layer absorption of every restart, columns of all kinds."""
    files = find_snow_files(bench.run.namelist, bench.folders)
    optics = read_snow_optics(files.optics)
    for item in bench.restarts:
        columns = snow_columns(item.restart)
        if np.any(np.abs(item.restart.values["coszen"][columns.rows]) > 1.0):
            yield Skipped(f"{item.restart.path}: {NO_ALBEDO}", len(columns.rows))
            continue
        for found in snow_albedo_differences(columns, optics):
            yield dataclasses.replace(found, place=f"{item.name} {found.place}")


def snow_albedo_differences(columns: SnowColumns, optics: SnowOptics) -> list[Difference]:
    """Recompute the radiation in the snow of the sunny columns of a restart that have any."""
    lit = np.asarray((columns.get("coszen") > 0.0) & (columns.get("H2OSNO") > 0.0))
    columns = dataclasses.replace(columns, rows=columns.rows[lit])
    if not len(columns.rows):
        return []
    ours = recomputed(columns, optics)
    pairs = {
        "albsnd_hst": ours.albedo_direct,
        "albsni_hst": ours.albedo_diffuse,
        "flx_absdv": ours.layer_absorption_direct[0],
        "flx_absdn": ours.layer_absorption_direct[1],
        "flx_absiv": ours.layer_absorption_diffuse[0],
        "flx_absin": ours.layer_absorption_diffuse[1],
    }
    return [
        difference(name, np.asarray(values), np.asarray(columns.get(name))) for name, values in pairs.items()
    ]


def recomputed(columns: SnowColumns, optics: SnowOptics) -> SnowRadiation:
    """The radiation in the snow of some columns as the state holds it."""
    result: SnowRadiation = _recompute(
        optics,
        columns.pack,
        columns.get("albsod"),
        columns.get("albsoi"),
        columns.get("frac_sno"),
        columns.get("coszen"),
        jnp.asarray(columns.types == ColumnType.LAKE),
    )
    return result


def _radiation(
    optics: SnowOptics,
    pack: SnowPack,
    bare_direct: Array,
    bare_diffuse: Array,
    fraction: Array,
    zenith: Array,
    lake: Array,
) -> SnowRadiation:
    radiation = snow_radiation(optics, pack, bare_diffuse, zenith)
    return stored_absorption(radiation, bare_direct, bare_diffuse, fraction, lake)


_recompute = jax.jit(_radiation)
