"""The kinds of sources, and which of them a folder holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from kiloland.craft.forcing.convert import ThreeHourlySource, three_hourly_files
from kiloland.craft.forcing.daymet import daymet_files
from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.losses import Block
from kiloland.craft.forcing.output import Month
from kiloland.craft.forcing.request import MEGABYTE, USUAL, ForcingRequest
from kiloland.errors import InputError


class Source(Protocol):
    """Anything that gives the fields of a month over the land cells."""

    @property
    def settings(self) -> str:
        """How the values are made; a file made otherwise is not reused."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the summary says of the source."""
        ...

    @property
    def together(self) -> bool:
        """Whether the variables of a month come together, or one after the other."""
        ...

    def attributes(self, month: Month) -> dict[str, str]:
        """Global attributes that say where the values come from."""
        ...

    def month(self, month: Month, names: list[str]) -> Iterator[Block]:
        """The fields in pieces, in any order."""
        ...


def open_source(request: ForcingRequest, land: LandCells) -> Source:
    """What the folder holds, validated; InputError where it holds no kind of source, or several."""
    folder = request.source
    if not folder.is_dir():
        raise InputError("no such folder", file=folder)
    daily, maps, lists = (
        daymet_files(folder),
        three_hourly_files(folder),
        three_hourly_files(folder, lists=True),
    )
    if sum(map(bool, (daily, maps, lists))) != 1:
        raise InputError(
            "the folder holds several kinds of files" if daily or maps else "no forcing in the folder",
            file=folder,
            expected="daymet_v4_daily_<na|hi|pr>_<var>_<yyyy>.nc and a reanalysis, "
            "or clmforc.Daymet4.1km.<VAR>.<YYYY-MM>.nc, or clmforc.Daymet4.1km.1d.<VAR>.<YYYY-MM>.nc",
        )
    years = range(request.first_year, request.last_year + 1)
    if daily:
        # Loaded here, since it brings a compiler along that no other command of this kind needs.
        from kiloland.craft.forcing.downscaling import DownscalingSource

        return DownscalingSource.open(
            folder, land, years, request.heights, request.memory * MEGABYTE, request.spreading
        )
    if request.spreading != USUAL:
        raise InputError(
            "three-hourly values are taken as they are",
            file=folder,
            found=request.spreading.words.removeprefix(", "),
            hint="Leave --keep and --day out",
        )
    return ThreeHourlySource.open(maps or lists, land, request.months, request.memory * MEGABYTE)
