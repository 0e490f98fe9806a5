"""What the steps of making a surface file share: the request, the cells of this rank, and the files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.mapper import SPLINES, Mapper
from kiloland.craft.surface.product import (
    TERRAIN,
    Product,
    Target,
    heights_of,
    open_product,
    real_land,
    source_rows,
)
from kiloland.craft.surface.spline import MARGIN
from kiloland.craft.surface.supply import Supplies, Supply
from kiloland.craft.surface.table import Method, chosen_methods
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import Domain, read_domain
from kiloland.grid.base import BoolArray, FloatArray
from kiloland.run.ranks import Ranks

logger = logging.getLogger(__name__)

BLOCK: Final = 1 << 17
"""Cells whose shares are worked out at once."""
LARGEST_MINIMUM: Final = 20.0
"""Greatest percent of a cell below which land units may be given away."""


@dataclass(frozen=True)
class SurfaceRequest:
    """A surface file to be made.

    ``methods`` chooses other methods than the table's, by name of the variable; ``limit_km`` is the distance
    from which a value may be taken where the source has none (None: that of ``default_limit_km``); with
    ``keep_urban`` cells without a town keep their urban region. ``products`` stand over the source, the first
    before the others; ``elevation`` are elevations (m) of the cells. Wetlands, lakes, glaciers and towns
    of less than ``minimum_share`` percent of a cell go to its other land units. ``two_dimensional``: None
    follows the domain.
    """

    source: Path
    domain: Path
    output: Path
    methods: Mapping[str, str] = field(default_factory=dict)
    two_dimensional: bool | None = None
    limit_km: float | None = None
    keep_urban: bool = False
    products: tuple[Product, ...] = ()
    elevation: Product | None = None
    minimum_share: float = 0.0


@dataclass(frozen=True)
class Slab:
    """The cells of this rank: ``domain`` holds them, ``first`` is the number of the first one."""

    domain: Domain
    shape: tuple[int, int]
    """Rows and columns of the whole domain."""
    first: int
    two_dimensional: bool

    @property
    def all_cells(self) -> int:
        """Number of cells of the whole domain."""
        return self.shape[0] * self.shape[1]

    def blocks(self) -> Iterator[slice]:
        """Stretches of the cells of this rank, whole rows of a two-dimensional file."""
        number, width = self.domain.number_of_cells, self.shape[1]
        step = max(1, BLOCK // width) * width if self.two_dimensional else BLOCK
        for start in range(0, number, step):
            yield slice(start, min(start + step, number))

    def shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values ``[..., cell]`` with the cells in the dimensions of the file."""
        if not self.two_dimensional:
            return values
        return values.reshape(*values.shape[:-1], -1, self.shape[1])

    def start(self, lead: tuple[int, ...], cells: slice = slice(0, None)) -> tuple[int, ...]:
        """Place in the file of a stretch of the cells of this rank."""
        first = self.first + cells.start
        return (*lead, first // self.shape[1], 0) if self.two_dimensional else (*lead, first)


@dataclass(frozen=True)
class Work:
    """What all steps need."""

    request: SurfaceRequest
    slab: Slab
    supplies: Supplies
    mapper: Mapper
    """That of the source, without gaps."""

    @property
    def domain(self) -> Domain:
        """The cells of this rank."""
        return self.slab.domain

    @property
    def methods(self) -> Mapping[str, Method]:
        """Method of every variable."""
        return self.supplies.methods


def read_slab(request: SurfaceRequest, ranks: Ranks) -> Slab:
    """The share of this rank of the domain: stretches of cells, of whole rows in two dimensions."""
    if ranks.size == 1:
        domain = read_domain(request.domain)
        return _slab(request, domain, domain.shape, 0)
    with open_dataset(request.domain) as dataset:
        form = dataset["xc"].shape
    shape = (1, form[0]) if len(form) == 1 else (form[0], form[1])
    unit = shape[1] if shape[0] > 1 else 1
    ends = [rank * (shape[0] * shape[1] // unit) // ranks.size * unit for rank in range(ranks.size + 1)]
    if ends[1] == 0:
        raise InputError(
            "more ranks than rows" if unit > 1 else "more ranks than cells",
            file=request.domain,
            found=ranks.size,
            expected=f"at most {shape[0] * shape[1] // unit}",
        )
    first, last = ends[ranks.rank], ends[ranks.rank + 1]
    return _slab(request, read_domain(request.domain, slice(first, last)), shape, first)


def _slab(request: SurfaceRequest, domain: Domain, shape: tuple[int, int], first: int) -> Slab:
    two_dimensional = shape[0] > 1 if request.two_dimensional is None else request.two_dimensional
    if two_dimensional and shape[0] == 1 and shape[1] > 1:
        raise InputError(
            "a domain of one row cannot become two-dimensional",
            file=request.domain,
            hint="Make the domain with: kiloland craft domain --two-dimensional",
        )
    return Slab(domain, shape, first, two_dimensional)


def target_of(request: SurfaceRequest, domain: Domain, ranks: Ranks) -> Target:
    """The cells of this rank with the extent of all of them."""
    found = ranks.gather(
        (float(domain.latitude.min()), float(domain.latitude.max()), float(domain.area_km2.max()))
    )
    south, north, largest = zip(*found, strict=True)
    return Target(domain, min(south), max(north), max(largest), request.limit_km)


def open_work(request: SurfaceRequest, slab: Slab, target: Target, files: ExitStack) -> Work:
    """Open all files; ``files`` closes them. Raises InputError for one that cannot be used."""
    if not 0.0 <= request.minimum_share <= LARGEST_MINIMUM:
        raise InputError(
            "minimum share out of range", found=request.minimum_share, expected=f"0 to {LARGEST_MINIMUM:g} %"
        )
    methods = chosen_methods(request.methods, with_elevation=request.elevation is not None)
    finer: list[Supply] = []
    heights: FloatArray | None = None
    if request.elevation is not None:
        terrain = _elevations(request.elevation, target, files)
        layer = terrain.layer("TOPO", ())
        heights = terrain.mapper.map(layer, methods["TOPO"], "TOPO")
        finer.append(terrain)
    products = [
        open_product(files.enter_context(open_dataset(product.path)), product, target, heights)
        for product in request.products
    ]
    dataset = files.enter_context(open_dataset(request.source))
    more = MARGIN if any(method in SPLINES for method in methods.values()) else 0
    values, limit = source_rows(dataset, target, more_rows=more)
    own = heights_of(values, heights)
    if own is None and heights is not None:
        _require_no_heights(request, values.path)
    mapper = Mapper(values.grid, slab.domain, limit, values.path, heights=own)
    source = Supply(values, mapper, mapper, _land_of_source(values, real_land(values)), product=False)
    return Work(request, slab, Supplies((*products, *finer, source), methods), mapper)


def _elevations(product: Product, target: Target, files: ExitStack) -> Supply:
    """The file of elevations, and what else of the terrain it gives."""
    dataset = files.enter_context(open_dataset(product.path))
    more = {name: name for name in TERRAIN if name in dataset}
    return open_product(dataset, Product(product.path, {**more, **product.names}), target, None)


def _require_no_heights(request: SurfaceRequest, path: str) -> None:
    """Say that a source without elevations corrects nothing; InputError where that was asked for."""
    asked = [name for name, text in request.methods.items() if text == Method.ELEVATION.value]
    if asked:
        raise InputError(
            "the source has no elevations", file=path, variable="TOPO", expected=f"for {asked[0]}"
        )
    logger.warning("%s: no TOPO: nothing is corrected for elevation", Path(path).name)


def _land_of_source(values: Any, land: BoolArray | None) -> BoolArray:
    """Real land of the source: all cells, with a warning, where it does not say."""
    if land is None:
        logger.warning("%s: no PFTDATA_MASK: every cell of the source counts as land", Path(values.path).name)
        return np.ones(values.cells, dtype=bool)
    if not land.any():
        name = "PFTDATA_MASK" if "PFTDATA_MASK" in values.dataset else "LANDFRAC_PFT"
        raise InputError("no land near the domain", file=values.path, variable=name)
    return land
