"""The streams of a run: their files from ELM's namelist, and the particles that snow takes up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import f90nml
import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.blends import AerosolMonths
from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.interpolate import TimeCycle
from kiloland.atmosphere.land_streams import PARTICLES, LandStream, StreamFiles
from kiloland.errors import InputError
from kiloland.run.namelist import find_input
from kiloland.run.snow_tables import DEPOSITION_FIELDS

_KEYS = {
    "particles": ("elm_inparm", "aero_file"),
    "nitrogen": ("ndepdyn_nml", "stream_fldfilename_ndep"),
    "phosphorus": ("pdepdyn_nml", "stream_fldfilename_pdep"),
    "people": ("popd_streams", "stream_fldfilename_popdens"),
    "lightning": ("light_streams", "stream_fldfilename_lightng"),
}
"""Namelist group and key of each file."""
CASE_KEYS = {
    "nitrogen": "nitrogen",
    "phosphorus": "phosphorus",
    "people": "population",
    "lightning": "lightning",
}
"""Keys of the table ``[streams]`` of a case."""


def find_stream_files(namelist: str | Path, folders: Sequence[Path]) -> StreamFiles:
    """The files that a run's ``lnd_in`` names, and the data years of phosphorus.

    Raises:
        InputError: a key or a file is missing, or the years are no years.
    """
    groups = f90nml.read(namelist)
    found = {}
    for name, (group, key) in _KEYS.items():
        value = str(groups.get(group, {}).get(key, "")).strip()
        if not value:
            raise InputError("key missing", file=namelist, where=f"{group}: {key}")
        found[name] = find_input(value, folders)
    return StreamFiles(**found, phosphorus_years=phosphorus_years(namelist))


def phosphorus_years(namelist: str | Path) -> TimeCycle:
    """The data years of phosphorus, whose file has dates.

    Raises:
        InputError: the years are no years.
    """
    years = f90nml.read(namelist).get("pdepdyn_nml", {})
    first, last = (int(years.get(f"stream_year_{end}_pdep", 1)) for end in ("first", "last"))
    return TimeCycle(first, last, int(years.get("model_year_align_pdep", 1)))


def named_streams(namelist: str | Path) -> dict[str, str]:
    """The files of nitrogen, phosphorus, people and lightning that a namelist names, by key of the case."""
    groups = f90nml.read(namelist)
    found = {}
    for name, key_of_case in CASE_KEYS.items():
        group, key = _KEYS[name]
        value = str(groups.get(group, {}).get(key, "")).strip()
        if value:
            found[key_of_case] = value
    return found


def particle_stream(path: Path, places: Places) -> LandStream:
    """Deposition of particles at some places, monthly samples interpolated as in ELM's site mode."""
    months = AerosolMonths()
    return LandStream.open(path, PARTICLES, places, lambda _: months, ahead=2)


def snow_particles(particles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deposition ``[field, place]`` as it falls on snow ``[species, place]``, kg m-2 s-1.

    The species are those of the snow state; which fields each takes is ELM's site mode
    (:data:`kiloland.run.snow_tables.DEPOSITION_FIELDS`).
    """
    rows = [
        sum((particles[PARTICLES.index(name)] for name in names), np.zeros(particles.shape[1]))
        for names in DEPOSITION_FIELDS
    ]
    return np.stack(rows)
