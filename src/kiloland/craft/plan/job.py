"""The description of a crafting job: one TOML file, strict and typed, read before anything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from kiloland.craft.areas import Area, Box, IdFile, PointFile, PolygonFile, Region, region_of
from kiloland.craft.duplicate import Times
from kiloland.craft.forcing.encoding import Encoding
from kiloland.craft.surface.table import chosen_methods, surface_table
from kiloland.errors import InputError
from kiloland.grid import Coordinates
from kiloland.run.configuration import decode, read_toml


class ForcingKind(Enum):
    """What the source of the forcing is."""

    DAILY = "daily"
    THREE_HOURLY = "three-hourly"


class ProductName(Enum):
    """Products that a job can repeat."""

    DOMAIN = "domain"
    SURFACE = "surface"
    FORCING = "forcing"


@dataclass(frozen=True)
class JobTable:
    """``[job]``: a name, and the folder that all products go to."""

    name: str
    directory: Path


@dataclass(frozen=True)
class DomainTable:
    """``[domain]``: a domain ``file`` that exists, or grid, land mask and areas of one to be made.

    With ``planned`` the land mask need not exist yet; ``land_cells`` is then the number of cells.
    """

    file: Path | None = None
    grid: str = "daymet"
    land_mask: Path | None = None
    land_variable: str = ""
    lakes: Path | None = None
    lakes_variable: str = ""
    boxes: tuple[str, ...] = ()
    points: tuple[Path, ...] = ()
    coordinates: Coordinates = Coordinates.LONGITUDE_LATITUDE
    ids: tuple[Path, ...] = ()
    polygons: tuple[Path, ...] = ()
    drop_outside: bool = False
    two_dimensional: bool = False
    planned: bool = False
    land_cells: int = 0

    def __post_init__(self) -> None:
        if self.land_cells < 0:
            raise ValueError("land_cells must not be negative")
        if self.planned and self.land_cells == 0:
            raise ValueError("a planned domain needs land_cells")

    @property
    def region(self) -> Region:
        """The areas of interest."""
        areas: list[Area] = [PointFile(path, self.coordinates) for path in self.points]
        areas += [IdFile(path) for path in self.ids]
        areas += [Box.from_text(text) for text in self.boxes]
        areas += [PolygonFile(path) for path in self.polygons]
        return region_of(areas)

    @property
    def files(self) -> dict[str, Path]:
        """Every file that the table names, by its key."""
        named = {"file": self.file, "land_mask": self.land_mask, "lakes": self.lakes}
        lists = {"points": self.points, "ids": self.ids, "polygons": self.polygons}
        found = {key: path for key, path in named.items() if path is not None}
        return found | {f"{key}[{n}]": path for key, many in lists.items() for n, path in enumerate(many)}


@dataclass(frozen=True)
class ForcingTable:
    """``[forcing]``: source folder and years; with ``planned`` the source need not exist yet.

    Rows and columns are those of the maps and of the reanalysis where no file says them; 0 rows of maps are
    those of the grid of the domain.
    """

    source: Path
    first_year: int
    last_year: int
    kind: ForcingKind = ForcingKind.DAILY
    planned: bool = False
    rows: int = 0
    columns: int = 0
    reanalysis_rows: int = 360
    reanalysis_columns: int = 720
    reanalysis_hours: int = 3
    packed: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.first_year <= self.last_year:
            raise ValueError("first_year must be 2 or later and not after last_year")
        if self.reanalysis_hours not in (1, 3, 6):
            raise ValueError("reanalysis_hours must be 1, 3 or 6")
        if min(self.reanalysis_rows, self.reanalysis_columns) < 1 or min(self.rows, self.columns) < 0:
            raise ValueError("rows and columns must be positive")

    @property
    def years(self) -> range:
        """All years."""
        return range(self.first_year, self.last_year + 1)

    @property
    def encoding(self) -> Encoding:
        """How values are stored; rounding them takes no less space."""
        return Encoding(packed=self.packed)


@dataclass(frozen=True)
class SurfaceTable:
    """``[surface]``: the source file, finer ``products``, methods as VAR=METHOD; see :class:`ForcingTable`.

    ``variables``: those of a planned source; empty for all that ELM may read.
    """

    source: Path
    products: tuple[Path, ...] = ()
    methods: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    planned: bool = False
    rows: int = 360
    columns: int = 720

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < 1:
            raise ValueError("rows and columns must be positive")


@dataclass(frozen=True)
class DuplicateTable:
    """``[duplicate]``: copies of the products, as data or virtual."""

    times: str
    products: tuple[ProductName, ...] = tuple(ProductName)
    virtual: bool = False


@dataclass(frozen=True)
class OptionsTable:
    """``[options]``: memory of a process for blocks [MB], and processes that share the work."""

    memory: int = 128
    ranks: int = 1

    def __post_init__(self) -> None:
        if self.memory < 64:
            raise ValueError("memory must be at least 64 MB")
        if self.ranks < 1:
            raise ValueError("ranks must be at least 1")


@dataclass(frozen=True)
class Job:
    """A whole crafting job."""

    job: JobTable
    domain: DomainTable
    forcing: ForcingTable | None = None
    surface: SurfaceTable | None = None
    duplicate: DuplicateTable | None = None
    options: OptionsTable = field(default_factory=OptionsTable)


def read_job(path: Path) -> Job:
    """Read a job file.

    Raises:
        InputError: not TOML; an unknown key (with the nearest known one), a wrong type, an impossible value,
            an unknown variable or method of a surface file.
    """
    job = decode(Job, read_toml(path), path)
    if job.duplicate is not None:
        Times.from_text(job.duplicate.times)
    if job.surface is not None:
        chosen_methods(methods_of(job.surface, path))
        unknown = [name for name in job.surface.variables if name not in surface_table()]
        if unknown:
            raise InputError(
                "no variable of a surface file", file=path, where="surface.variables", found=unknown[0]
            )
    return job


def methods_of(table: SurfaceTable, path: Path) -> dict[str, str]:
    """Methods by variable; InputError where one is not written as VAR=METHOD."""
    found = {}
    for text in table.methods:
        name, equals, method = text.partition("=")
        if not (equals and name and method):
            raise InputError(
                "a method is chosen as VAR=METHOD", file=path, where="surface.methods", found=text
            )
        found[name] = method
    return found
