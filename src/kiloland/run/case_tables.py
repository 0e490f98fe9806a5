"""The tables of a case file as typed, checked settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kiloland.atmosphere.orbit import VALID_YEARS
from kiloland.grid.partition import Partition
from kiloland.land.subgrid import LANES
from kiloland.run.clock import Interval, parse_date
from kiloland.variables import Averaging, HistoryVariable, history_variable


class AtmosphereKind(Enum):
    """Where the weather comes from."""

    ELM_SITE = "elm-site"
    STREAMS = "streams"
    SITE = "site"


class SurfaceFlux(Enum):
    """Where the heat flux into the ground comes from."""

    BARE_GROUND = "bare-ground"
    """Turbulent fluxes of the bare ground, below a canopy that only intercepts radiation."""
    FULL = "full"
    """All of water and energy: canopies, snow, ponds, soil heat and soil water."""


class LeafArea(Enum):
    """Where leaf and stem area come from."""

    INITIAL = "initial"
    """Constant, as in the initial state."""
    SURFACE = "surface"
    """Monthly values of the surface file, interpolated between mid-months."""


class Precision(Enum):
    """Precision of a history file."""

    SINGLE = "single"
    DOUBLE = "double"


@dataclass(frozen=True)
class CaseTable:
    """``[case]``: name, where it runs, from when to when."""

    name: str
    directory: Path
    start: str
    stop: str
    step_seconds: int = 1800
    surface_flux: SurfaceFlux = SurfaceFlux.BARE_GROUND
    orbital_year: int = 1990

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if not self.name or any(c in self.name for c in "/\\ \t\n"):
            raise ValueError(f"case.name must be a word without spaces or slashes, found {self.name!r}")
        if self.step_seconds < 1 or 86_400 % self.step_seconds:
            raise ValueError(f"case.step_seconds must divide a day, found {self.step_seconds}")
        for key, text in (("start", self.start), ("stop", self.stop)):
            try:
                parse_date(text)
            except ValueError as error:
                raise ValueError(f"case.{key}: {error}") from None
        if parse_date(self.stop) <= parse_date(self.start):
            raise ValueError(f"case.stop must be later than case.start, found {self.start} to {self.stop}")
        if (parse_date(self.stop) - parse_date(self.start)) % self.step_seconds:
            raise ValueError("case.stop is not a whole number of steps after case.start")
        if abs(self.orbital_year - 1950) > VALID_YEARS:
            raise ValueError(
                f"case.orbital_year must be within {VALID_YEARS} years of 1950, found {self.orbital_year}"
            )


@dataclass(frozen=True)
class InputTable:
    """``[input]``: domain, surface and parameter files, and the initial restart if there is one."""

    domain: Path
    surface: Path
    parameters: Path
    restart: Path | None = None
    leaf_area: LeafArea = LeafArea.INITIAL
    snow_optics: Path | None = None
    snow_ageing: Path | None = None
    """ELM's tables of snow optics and of the ageing of grains, for ``surface_flux = "full"``."""
    deposition: Path | None = None
    """Particles that fall on snow; without it none do."""


class StreamRule(Enum):
    """How samples of the streams of the land are chosen and mixed."""

    YEARS = "years"
    """By their dates within the data years, between grid points."""
    SITE = "site"
    """As ELM's site mode does: nearest point, its own calendar."""


@dataclass(frozen=True)
class StreamsTable:
    """``[streams]``: files of nitrogen, phosphorus, people and lightning, and which of their years count."""

    nitrogen: Path | None = None
    phosphorus: Path | None = None
    population: Path | None = None
    lightning: Path | None = None
    rule: StreamRule = StreamRule.YEARS
    nitrogen_years: tuple[int, ...] = (1850, 1850)
    phosphorus_years: tuple[int, ...] = (2000, 2000)
    population_years: tuple[int, ...] = (1850, 1850)
    lightning_years: tuple[int, ...] = (1, 1)
    align: int = 1
    """Model year of the first data year."""

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        for name in ("nitrogen_years", "phosphorus_years", "population_years", "lightning_years"):
            years = getattr(self, name)
            if len(years) != 2 or not 1 <= years[0] <= years[1]:
                raise ValueError(
                    f"{name} must be the first and the last year of the data, from 1 on, found {list(years)}"
                )


@dataclass(frozen=True)
class AtmosphereTable:
    """``[atmosphere]``: kind and files of the weather, and how it is interpolated in time."""

    kind: AtmosphereKind
    path: Path
    prefix: str = "clmforc.Daymet4.1km.1d"
    year_first: int = 0
    year_last: int = 0
    year_align: int = 1
    conserve_shortwave: bool = False
    """Interpolate sunshine so that the energy of every sample is kept exactly."""
    fill: bool = False
    """Replace the bad samples of a measured record instead of refusing it."""
    carbon_dioxide: float = 284.7
    """Share of CO2 in the air, 1e-6."""
    anywhere: bool = False
    """Use the weather of a site farther than half a degree from the cells."""

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if not 10.0 <= self.carbon_dioxide <= 1.0e4:
            raise ValueError(
                f"carbon_dioxide must be a share of the air in 1e-6, 10 to 10000, found {self.carbon_dioxide}"
            )
        years = f"found {self.year_first} to {self.year_last}"
        if self.kind is AtmosphereKind.STREAMS and self.year_first < 1:
            raise ValueError(f"streams need year_first and year_last, the years of their files, {years}")
        if self.year_first < 0 or self.year_last < self.year_first:
            raise ValueError(f"year_last must not be before year_first, nor a year before 1, {years}")


@dataclass(frozen=True)
class RanksTable:
    """``[ranks]``: how cells are dealt to ranks."""

    partition: Partition = Partition.ROUND_ROBIN
    segments: int = 20

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if self.segments < 1:
            raise ValueError(f"segments must be at least 1, found {self.segments}")


@dataclass(frozen=True)
class ComputeTable:
    """``[compute]``: sizes of blocks and chunks; no result depends on them."""

    columns_per_block: int = 1024
    steps_per_chunk: int = 48

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if self.columns_per_block < LANES or self.columns_per_block % LANES:
            raise ValueError(
                f"columns_per_block must be a multiple of {LANES}, found {self.columns_per_block}"
            )
        if self.steps_per_chunk < 1:
            raise ValueError(f"steps_per_chunk must be at least 1, found {self.steps_per_chunk}")


@dataclass(frozen=True)
class RestartTable:
    """``[restart]``: how often a restart set is written and how many are kept."""

    every: str = "1 year"
    keep: int = 2

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        Interval.parse(self.every)
        if self.keep < 1:
            raise ValueError(f"restart.keep must be at least 1, found {self.keep}")


@dataclass(frozen=True)
class CouplerTable:
    """One ``[[coupler]]``: what land and coupler exchange, as means or at the ends of intervals."""

    every: str = "1 day"
    averaging: str = "mean"
    records_per_file: int = 1
    precision: Precision = Precision.DOUBLE

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        Interval.parse(self.every)
        if self.records_per_file < 1:
            raise ValueError(f"records_per_file must be at least 1, found {self.records_per_file}")
        if self.averaging not in ("mean", "instantaneous"):
            raise ValueError(f'averaging must be "mean" or "instantaneous", found {self.averaging!r}')


@dataclass(frozen=True)
class HistoryTable:
    """One ``[[history]]`` tape: fields (``NAME`` or ``NAME:maximum``), interval, layout."""

    fields: tuple[str, ...]
    every: str = "1 month"
    averaging: str = ""
    records_per_file: int = 1
    subgrid: bool = False
    precision: Precision = Precision.SINGLE

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        Interval.parse(self.every)
        if self.records_per_file < 1:
            raise ValueError(f"records_per_file must be at least 1, found {self.records_per_file}")
        if not self.fields:
            raise ValueError("fields is empty: a tape needs at least one field")

    def variables(self) -> tuple[HistoryVariable, ...]:
        """The fields as registry entries with their way of averaging.

        Raises:
            InputError: a name that the registry does not know; ValueError: an unknown way of averaging.
        """
        return tuple(self._variable(entry) for entry in self.fields)

    def _variable(self, entry: str) -> HistoryVariable:
        name, _, method = entry.partition(":")
        known: tuple[Averaging, ...] = ("mean", "instantaneous", "maximum", "minimum")
        wanted = method or self.averaging
        variable = history_variable(name)
        if not wanted:
            return variable
        for averaging in known:
            if averaging == wanted:
                return variable.with_averaging(averaging)
        raise ValueError(f"unknown averaging {wanted!r} of {name}, expected one of {', '.join(known)}")
