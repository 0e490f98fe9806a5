"""The check of the data atmosphere: site forcing against the forcing on per-step tapes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding
from kiloland.verify.oracle.tapes import StepTape
from kiloland.verify.radiation import FILL, Difference, difference

FIELDS = {
    "TBOT": "temperature",
    "THBOT": "potential_temperature",
    "PBOT": "pressure",
    "QBOT": "specific_humidity",
    "WIND": "wind",
    "FLDS": "longwave_down",
    "RAIN": "rain",
    "SNOW": "snow",
    "ZBOT": "reference_height",
    "FSDS": "shortwave_down",
    "FSDSVD": "shortwave_direct_visible",
    "FSDSND": "shortwave_direct_near_infrared",
    "FSDSVI": "shortwave_diffuse_visible",
    "FSDSNI": "shortwave_diffuse_near_infrared",
}
"""Tape fields and what the atmosphere calls them."""
# ELM writes numbers of cells in place of topo1d_lat; each cell has one topographic unit.
_COORDINATES = {
    "lndgrid": ("lon", "lat"),
    "gridcell": ("grid1d_lon", "grid1d_lat"),
    "topounit": ("grid1d_lon", "grid1d_lat"),
    "pft": ("pfts1d_lon", "pfts1d_lat"),
}


def forcing(bench: Bench) -> Iterator[Finding]:
    """Every forcing field on every double per-step tape of the run itself.

    Raises:
        InputError: no such tape, or no site forcing.
    """
    run = bench.run
    entries = [entry.path for entry in run.tapes if entry.double]
    paths = [path for path in entries if bench.shelf.records(path, run.timestep)]
    if not paths:
        raise InputError("no per-step tape in double precision", file=run.folder)
    record = read_site_record(bench.site_forcing)
    found = 0
    for path in paths:
        for item in tape_differences(bench.shelf.tape(path, run.timestep), record, run.timestep):
            found += 1
            yield item
    if not found:
        raise InputError(
            "no forcing field on the tapes", file=run.folder, found=[path.name for path in paths]
        )


def tape_differences(tape: StepTape, record: SiteRecord, timestep: int) -> Iterator[Difference]:
    """Every forcing field of one tape against the site record."""
    ends = np.array(sorted(tape.records))
    rows = slice(tape.records[int(ends[0])], tape.records[int(ends[-1])] + 1)
    times = ModelTimes(int(ends[0]) - timestep, timestep, len(ends))
    dataset = tape.dataset
    for dim in _COORDINATES:
        names = [name for name in FIELDS if name in dataset and dataset[name].dims == ("time", dim)]
        if not names:
            continue
        places, mask = _places(dataset, dim)
        if places.count != dataset.dimensions[dim]:
            raise InputError(
                f"not one {dim} for each cell",
                file=tape.path,
                found=dataset.dimensions[dim],
                expected=places.count,
            )
        ours = SiteSource(record, places).load(times, np.arange(places.count))
        for name in names:
            reference = np.asarray(dataset[name].read(rows), np.float64)
            yield difference(
                name, np.asarray(getattr(ours, FIELDS[name])), reference, mask & (np.abs(reference) < FILL)
            )


def _places(dataset: Dataset, dim: str) -> tuple[Places, NDArray[np.bool_]]:
    """Coordinates of the members of a dimension, and which of them have weight."""
    longitude, latitude = (np.asarray(dataset[name].read(), np.float64) for name in _COORDINATES[dim])
    weighted = np.ones(len(longitude), bool)
    if dim == "pft":
        weighted = (dataset["pfts1d_wtgcell"].read() > 0.0) & (dataset["pfts1d_active"].read() == 1)
    return Places(longitude, latitude), weighted
