"""The coldest month of every cell: by it plant types of cold and warm places are told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.surface import Mapper, Method, default_limit_km, read_source
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.grid import Domain
from kiloland.grid.base import FloatArray, IntArray

FREEZING: Final = 273.15
COLDEST: Final = -90.0
WARMEST: Final = 50.0
"""Monthly means (°C) that occur."""
NAMES: Final = ("coldest_month", "coldest_month_temperature", "temp", "tas", "TBOT", "tair", "T")
KELVIN: Final = ("k", "kelvin", "degk", "deg_k", "degrees_k")
CELSIUS: Final = (
    "degc", "c", "celsius", "deg_c", "degree_c", "degrees_c", "degree_celsius", "degrees_celsius",
)  # fmt: skip
MONTHS: Final = 12
SAMPLES: Final = 16
_MONTHLY = re.compile(r"\.TBOT\.(\d{4})-(\d{2})\.nc$")


@dataclass(frozen=True)
class ClimateRequest:
    """Where the temperature comes from.

    ``text``: FILE, FILE:VARIABLE, or a folder of three-hourly forcing. ``scale`` multiplies what is
    stored, for files that say degrees and hold tenths. ``limit_km`` as for surface data.
    """

    text: str
    scale: float = 1.0
    limit_km: float | None = None


def coldest_month(request: ClimateRequest, domain: Domain) -> tuple[FloatArray, str]:
    """Mean temperature (°C) of the coldest month of each cell, NaN off land where unknown; and its origin.

    Raises InputError for units that are no temperature, temperatures that do not occur, and land cells that
    the source does not cover.
    """
    folder = Path(request.text)
    if folder.is_dir():
        return _from_forcing(folder, domain)
    path, name = _file_and_variable(request.text)
    with open_dataset(path) as dataset:
        variable = _variable(dataset, name)
        if "gridID" in dataset and variable.shape[-1] == dataset["gridID"].read().size:
            values = _on_cells(dataset, variable, domain)
        else:
            values = _on_grid(dataset, variable, domain, request)
        coldest = _celsius(values * request.scale, variable)
        _check_range(coldest, variable)
    _check_land(coldest, domain, path, variable.name)
    return coldest, f"{path.name}: {variable.name}"


def _file_and_variable(text: str) -> tuple[Path, str | None]:
    if Path(text).is_file():
        return Path(text), None
    path, _, name = text.rpartition(":")
    if path and Path(path).is_file():
        return Path(path), name
    raise InputError("there is no such file or folder", file=text, expected="FILE, FILE:VARIABLE or a folder")


def _variable(dataset: Dataset, name: str | None) -> Variable:
    if name is not None:
        return dataset[name]
    for known in NAMES:
        if known in dataset:
            return dataset[known]
    raise InputError(
        "cannot tell which variable is the temperature",
        file=dataset.path,
        found=list(dataset),
        expected=f"one of {', '.join(NAMES)}",
        hint="Name it: FILE:VARIABLE",
    )


def _least(layers: Sequence[FloatArray]) -> FloatArray:
    """The coldest of one or twelve layers."""
    least = layers[0]
    for layer in layers[1:]:
        least = np.minimum(least, layer)
    return least


def _check_months(variable: Variable, lead: tuple[int, ...]) -> None:
    if lead not in ((), (1,), (MONTHS,)):
        raise InputError(
            "is neither one field nor twelve months",
            file=variable.file,
            variable=variable.name,
            found=dict(zip(variable.dims, variable.shape, strict=True)),
            expected="dimensions (12, lat, lon), (lat, lon), (12, cell) or (cell)",
        )


def _on_grid(dataset: Dataset, variable: Variable, domain: Domain, request: ClimateRequest) -> FloatArray:
    """The coldest month at the cells, linear between the centres of a regular grid."""
    source = read_source(dataset)
    limit = default_limit_km(source.grid, domain) if request.limit_km is None else request.limit_km
    margin = limit / 111.0
    source = read_source(dataset, domain.latitude.min() - margin, domain.latitude.max() + margin)
    lead = variable.shape[:-2]
    _check_months(variable, lead)
    layers = [source.layer(variable, index) for index in np.ndindex(lead)]
    mapper = Mapper(source.grid, domain, limit, str(dataset.path))
    return mapper.map(_least(layers), Method.LINEAR, variable.name)


def _on_cells(dataset: Dataset, variable: Variable, domain: Domain) -> FloatArray:
    """The coldest month of cells matched by gridcell id; NaN where the file has not the cell."""
    _check_months(variable, tuple(n for n in variable.shape[:-1] if n != 1))
    stored = np.asarray(variable.values(), np.float64).reshape(-1, variable.shape[-1])
    place = _places(np.asarray(dataset["gridID"].read()).ravel(), domain)
    coldest = np.full(domain.number_of_cells, np.nan)
    coldest[place >= 0] = _least(list(stored))[place[place >= 0]]
    return coldest


def _places(ids: IntArray, domain: Domain) -> IntArray:
    """Where the domain's cells stand among ids; -1 where they do not."""
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids[order], domain.gridcell_id), ids.size - 1)
    return np.where(ids[order][at] == domain.gridcell_id, order[at], -1)


def _from_forcing(folder: Path, domain: Domain) -> tuple[FloatArray, str]:
    """The coldest of the twelve months, each the mean of all its samples in all years of a folder."""
    found = {(int(m[1]), int(m[2])): path for path in sorted(folder.iterdir())
             if (m := _MONTHLY.search(path.name))}  # fmt: skip
    missing = [month for month in range(1, MONTHS + 1) if not any(month == key[1] for key in found)]
    if missing:
        raise InputError(
            "no temperature of some months",
            file=folder,
            found=f"{len(found)} files; none of month {missing[0]}",
            expected="*.TBOT.YYYY-MM.nc of all twelve months",
        )
    total = np.zeros((MONTHS, domain.number_of_cells))
    count = np.zeros(MONTHS)
    for (_, month), path in sorted(found.items()):
        with open_dataset(path) as dataset:
            variable = dataset["TBOT"]
            place = _places(np.asarray(dataset["gridID"].read()).ravel(), domain)
            if ((place < 0) & (domain.mask == 1)).any():
                lost = int(np.argmax((place < 0) & (domain.mask == 1)))
                raise InputError(
                    "the forcing lacks a cell of the domain",
                    file=path,
                    where=f"gridcell id {int(domain.gridcell_id[lost])}",
                )
            for start in range(0, variable.shape[0], SAMPLES):
                samples = np.asarray(variable.values(slice(start, start + SAMPLES)), np.float64)
                samples = samples.reshape(samples.shape[0], -1)[:, np.maximum(place, 0)]
                for sample in samples:
                    total[month - 1] += _celsius(sample, variable)
            count[month - 1] += variable.shape[0]
            total[month - 1, place < 0] = np.nan
    coldest = np.asarray((total / count[:, None]).min(axis=0))
    _check_land(coldest, domain, folder, "TBOT")
    return coldest, f"{folder.name}: TBOT of {len(found)} months"


def _celsius(values: FloatArray, variable: Variable) -> FloatArray:
    unit = str(variable.attributes.get("units", "")).strip().lower().replace(" ", "_")
    if unit in KELVIN:
        return values - FREEZING
    if unit in CELSIUS:
        return values
    raise InputError(
        "has no unit of temperature",
        file=variable.file,
        variable=variable.name,
        found=variable.attributes.get("units"),
        expected="K or degC",
    )


def _check_range(coldest: FloatArray, variable: Variable) -> None:
    there = coldest[np.isfinite(coldest)]
    if there.size and (there.min() < COLDEST or there.max() > WARMEST):
        worst = there.min() if there.min() < COLDEST else there.max()
        raise InputError(
            "monthly temperatures that do not occur",
            file=variable.file,
            variable=variable.name,
            found=f"{worst:g} degC",
            expected=f"{COLDEST:g} to {WARMEST:g} degC",
            hint="A file of tenths of a degree that does not say so is read with --climate-scale 0.1",
        )


def _check_land(coldest: FloatArray, domain: Domain, file: Path, name: str) -> None:
    lost = ~np.isfinite(coldest) & (domain.mask == 1)
    if lost.any():
        cell = int(np.argmax(lost))
        raise InputError(
            f"no temperature for {int(lost.sum())} land cells",
            file=file,
            variable=name,
            where=f"gridcell id {int(domain.gridcell_id[cell])} at {domain.longitude[cell]:.4f} E, "
            f"{domain.latitude[cell]:.4f} N",
            hint="The climate does not cover the domain",
        )
