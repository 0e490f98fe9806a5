"""A land-use series from land-cover rasters of several years, each already made into shares of the cells.

Between two rasters the shares of a cell change evenly from year to year; before the first and after the last
one there is nothing, since nothing is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.craft.landuse.anchor import AnchorLedger, anchored, single_precision
from kiloland.craft.landuse.make import LandUseSummary, check_surface_cells
from kiloland.craft.landuse.output import fixed_values, fixed_variables
from kiloland.craft.landuse.source import PLANTS
from kiloland.craft.landuse.work import CellLayout
from kiloland.craft.surface.fractions import renormalise
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.grid import Domain, read_domain
from kiloland.grid.base import FloatArray

TYPES: Final = 17
SUM_TOLERANCE: Final = 1.0e-9
"""Percent by which plant types of a product may miss 100."""


@dataclass(frozen=True)
class LandCoverSeriesRequest:
    """A series to be made of ``products``: files of ``kiloland craft landcover`` by their year.

    ``surface`` is the surface file of the domain: the series begins with its plant types, keeps the changes
    of the products, and has its plant types where a product knows nothing. With ``single`` shares are stored
    in single precision, in steps that it holds exactly.
    """

    products: Mapping[int, Path]
    domain: Path
    output: Path
    surface: Path | None = None
    single: bool = False

    def __post_init__(self) -> None:
        if len(self.products) < 2:
            raise InputError(
                "a series needs land cover of two years or more",
                found=", ".join(map(str, self.products)) or "none",
                expected="--landcover YEAR=FILE --landcover YEAR=FILE",
            )


def craft_landcover_series(
    request: LandCoverSeriesRequest, report: Callable[[str], None] = lambda text: None
) -> LandUseSummary:
    """Make the series, year by year; memory is some stretches of cells.

    Raises InputError for products of other cells, shares that miss 100 percent, and cells that a product does
    not know where no surface file fills them.
    """
    started = time.perf_counter()
    domain = read_domain(request.domain)
    layout = CellLayout(domain)
    known = sorted(request.products)
    years = np.arange(known[0], known[-1] + 1, dtype=np.int32)
    ledger = AnchorLedger()
    with ExitStack() as stack:
        products = {year: stack.enter_context(open_dataset(request.products[year])) for year in known}
        for dataset in products.values():
            _check_cells(dataset, domain)
        surface = None if request.surface is None else stack.enter_context(open_dataset(request.surface))
        if surface is not None:
            check_surface_cells(surface, domain, request.domain)
        schema = _schema(request, layout, years)
        with DatasetWriter(request.output, schema) as writer:
            name = "; ".join(request.products[year].name for year in known)
            for key, values in fixed_values(layout, years, name).items():
                writer.put(key, values)
            kind = np.dtype("f4" if request.single else "f8")
            for record, year in enumerate(years.tolist()):
                for cells, shares in _year(products, surface, layout, year, ledger):
                    stored = single_precision(shares) if request.single else shares
                    start = (record, 0, *layout.start(cells))
                    writer.put(PLANTS, layout.shaped(stored.astype(kind))[None], start=start)
                report(f"year {year} made")
    note = ledger.text() if surface is not None else "not compared with a surface file"
    return LandUseSummary(
        request.output, domain.number_of_cells, (known[0], known[-1]), 0, request.output.stat().st_size,
        (PLANTS,), (note,), time.perf_counter() - started,
    )  # fmt: skip


def _year(
    products: Mapping[int, Dataset],
    surface: Dataset | None,
    layout: CellLayout,
    year: int,
    ledger: AnchorLedger,
) -> Iterator[tuple[slice, FloatArray]]:
    """Plant types ``[type, cell]`` of a year, stretch by stretch."""
    years = sorted(products)
    after = next(one for one in years if one >= year)
    before = max(one for one in years if one <= year)
    share = 0.0 if after == before else (year - before) / (after - before)
    for cells in layout.blocks():
        low, high, first = (_plants(products[one], cells) for one in (before, after, years[0]))
        shares, _ = renormalise(low + (high - low) * share)
        given = None if surface is None else layout.plants(surface, cells)
        unknown: NDArray[np.bool_] = np.asarray(~np.isfinite(shares + first).all(axis=0), dtype=np.bool_)
        if given is None:
            _require_known(products, layout, cells, unknown)
            shares = np.where(unknown, _bare(shares), shares)
            yield cells, shares
            continue
        filled = np.where(unknown, 0.0, shares), np.where(unknown, 0.0, renormalise(first)[0])
        result = anchored(*filled, given, ledger)
        yield cells, np.where(unknown, given, result)


def _bare(shares: FloatArray) -> FloatArray:
    """Bare ground, for cells that are no land."""
    bare = np.zeros_like(shares)
    bare[0] = 100.0
    return bare


def _require_known(
    products: Mapping[int, Dataset], layout: CellLayout, cells: slice, unknown: NDArray[np.bool_]
) -> None:
    lacking = unknown & (layout.domain.mask[cells] == 1)
    if lacking.any():
        cell = cells.start + int(np.argmax(lacking))
        raise InputError(
            "the land cover of a year does not know a land cell",
            file=next(iter(products.values())).path.parent,
            variable=PLANTS,
            where=f"gridcell id {int(layout.domain.gridcell_id[cell])}",
            found=f"{int(lacking.sum())} such cells in this stretch",
            hint="--surface gives the plant types of such cells",
        )


def _plants(product: Dataset, cells: slice) -> FloatArray:
    """Plant types ``[type, cell]``, NaN where the product knows nothing; InputError for other sums."""
    shares = np.asarray(product[PLANTS].values((slice(None), cells)), dtype=np.float64)
    there = product["known"].read(cells) != 0
    total = shares.sum(axis=0)
    wrong = there & ~(np.abs(total - 100.0) <= SUM_TOLERANCE)
    if wrong.any():
        raise InputError(
            "plant types do not sum to 100 percent",
            file=product.path,
            variable=PLANTS,
            where=f"cell {cells.start + int(np.argmax(wrong))}",
            found=float(total[int(np.argmax(wrong))]),
        )
    return np.where(there, shares, np.nan)


def _check_cells(product: Dataset, domain: Domain) -> None:
    """InputError for a product of other cells."""
    ids = product["gridID"].read().reshape(-1)
    if not np.array_equal(ids, domain.gridcell_id) or product[PLANTS].shape != (TYPES, ids.size):
        raise InputError(
            "the land cover is not one of this domain",
            file=product.path,
            variable="gridID",
            found=f"{ids.size} cells",
            expected=f"the {domain.number_of_cells} cells of the domain, in its order",
        )


def _schema(request: LandCoverSeriesRequest, layout: CellLayout, years: NDArray[np.int32]) -> FileSchema:
    sizes, variables = fixed_variables(layout)
    said = {"long_name": "plant types of the natural vegetation", "units": "%"}
    kind = "f4" if request.single else "f8"
    variables.append(VariableSchema(PLANTS, kind, ("time", "natpft", *layout.dims), said))
    attributes: dict[str, Any] = {
        "title": f"Land-use time series of {request.domain.name}",
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__} craft landuse",
        "source_file": ", ".join(f"{year}: {path.name}" for year, path in sorted(request.products.items())),
        "domain_file": request.domain.name,
        "mapping": "land cover of the years named, even change between them",
    }
    return FileSchema(sizes, ("time", years.size), tuple(variables), attributes)
