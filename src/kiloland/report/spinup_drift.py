"""Drift of ecosystem carbon in the history of a run that was continued from a new restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.report.dates import time_name
from kiloland.report.fields import Choice, read_field
from kiloland.report.places import CellPlaces, places_of
from kiloland.report.series import record_years

Float = NDArray[np.float64]

VARIABLES: Final = ("TOTECOSYSC", "TOTCOLC")
LIMIT: Final = 1.0
"""gC m-2 yr-1 below which a cell counts as in equilibrium."""


@dataclass(frozen=True)
class Drift:
    """Change of ecosystem carbon a year of each cell (gC m-2 yr-1), and the years between the records."""

    name: str
    change: Float
    years: float
    places: CellPlaces
    shape: tuple[int, ...]

    @property
    def below_limit(self) -> float:
        """Share of the land, by the cosine of latitude, whose drift is within the limit."""
        there = np.isfinite(self.change)
        weight = np.cos(np.radians(self.places.latitude)) * there
        return float(np.sum(weight * (np.abs(np.nan_to_num(self.change)) < LIMIT)) / np.sum(weight))


def read_drift(paths: Sequence[Path]) -> Drift:
    """(last - first) / years over the files, which follow each other.

    Raises ``InputError`` where they hold no ecosystem carbon or a single record.
    """
    with open_dataset(paths[0]) as dataset:
        name = next((one for one in VARIABLES if one in dataset), None)
        if name is None:
            raise InputError("holds no ecosystem carbon", file=paths[0], expected=" or ".join(VARIABLES))
        first = read_field(dataset, name, Choice(time="0"))
        start = float(record_years(dataset, dataset[name].attributes)[0])
        places = places_of(dataset, first.shape)
    with open_dataset(paths[-1]) as dataset:
        time = time_name(dataset)
        last = read_field(dataset, name, Choice(time=None if time is None else "-1"))
        end = float(record_years(dataset, dataset[name].attributes)[-1])
    if not end > start:
        raise InputError(
            "needs at least two records", file=paths[-1], variable=name, found=f"{end - start:g} years"
        )
    return Drift(name, (last.values - first.values) / (end - start), end - start, places, first.shape)
