"""A case file from ELM's namelists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kiloland.errors import InputError
from kiloland.run.canopy_parameters import read_carbon_dioxide_share
from kiloland.run.clock import date_label, parse_date
from kiloland.run.land_streams import named_streams, phosphorus_years
from kiloland.run.namelist import find_input, read_namelists
from kiloland.run.restart import read_restart
from kiloland.run.snow_tables import find_snow_files


def case_from_namelists(
    lnd_in: Path,
    drv_in: Path | None,
    folders: Sequence[Path],
    stop: str,
    *,
    name: str,
    restart: Path | None = None,
    start: str | None = None,
) -> str:
    """Text of a case file that runs on the inputs of an ELM case.

    Args:
        lnd_in, drv_in: ELM's namelists; the driver's is looked for beside the other one if None.
        folders: where the inputs lie.
        stop: end of the run, ``YYYY-MM-DD``.
        name: of the case.
        restart: initial restart; a cold start without it.
        start: start of a cold start; with a restart the date is the restart's.

    Raises:
        InputError: see :mod:`kiloland.run.namelist`; also neither restart nor start given, or both with
            different dates.
    """
    settings = read_namelists(lnd_in, drv_in)
    if not settings.site_forcing:
        raise InputError(
            "no site forcing (metdata_bypass): write the table [atmosphere] of the case yourself", file=lnd_in
        )
    begin = _start(restart, start)
    snow = find_snow_files(lnd_in, folders)
    leaf_area_or_restart = f"restart = {_quoted(restart.resolve())}" if restart else 'leaf_area = "surface"'
    lines = [
        f"# made from {lnd_in.name}",
        "[case]",
        f"name = {_quoted(name)}",
        f"directory = {_quoted(name)}",
        f'start = "{begin}"',
        f'stop = "{date_label(_date(stop))}"',
        f"step_seconds = {settings.timestep}",
        f"orbital_year = {settings.orbital_year}",
        'surface_flux = "full"',
        "",
        "[input]",
        f"domain = {_quoted(find_input(settings.domain, folders).resolve())}",
        f"surface = {_quoted(find_input(settings.surface, folders).resolve())}",
        f"parameters = {_quoted(find_input(settings.parameters, folders).resolve())}",
        leaf_area_or_restart,
        f"snow_optics = {_quoted(snow.optics.resolve())}",
        f"snow_ageing = {_quoted(snow.ageing.resolve())}",
        *([f"deposition = {_quoted(snow.deposition.resolve())}"] if snow.deposition else []),
        "",
        "[atmosphere]",
        'kind = "elm-site"',
        f"path = {_quoted(find_input(settings.site_forcing, folders).resolve())}",
        f"carbon_dioxide = {read_carbon_dioxide_share(lnd_in) * 1.0e6!r}",
        "",
        *_streams(lnd_in, folders),
        "[[history]]",
        'fields = ["TSOI", "TG", "TV", "TSA", "FSH", "EFLX_LH_TOT", "FSA", "FIRE", "FGR",',
        '  "SOILLIQ", "SOILICE", "H2OSNO", "SNOW_DEPTH", "ZWT", "TWS", "FPSN",',
        '  "QRUNOFF", "QOVER", "QDRAI", "QSOIL", "QVEGE", "QVEGT"]',
        'every = "1 month"',
    ]
    return "\n".join(lines) + "\n"


def _streams(lnd_in: Path, folders: Sequence[Path]) -> list[str]:
    """The table of the streams, read as ELM's site mode does; a missing file is named in a comment."""
    named = named_streams(lnd_in)
    if not named:
        return []
    lines = ["[streams]", 'rule = "site"']
    for key, file in named.items():
        try:
            lines.append(f"{key} = {_quoted(find_input(file, folders).resolve())}")
        except InputError:
            lines.append(f"# {key}: {file} is not in the folders of inputs")
    years = phosphorus_years(lnd_in)
    lines.append(f"phosphorus_years = [{years.year_first}, {years.year_last}]")
    return [*lines, f"align = {years.year_align}", ""]


def _start(restart: Path | None, start: str | None) -> str:
    if restart is not None:
        begin = date_label(read_restart(restart).seconds)
        if start is not None and date_label(_date(start)) != begin:
            raise InputError(
                "the start is the date of the restart", file=restart, found=begin, expected=start
            )
        return begin
    if start is None:
        raise InputError("a cold start needs a date", expected="--start YYYY-MM-DD or --restart FILE")
    return date_label(_date(start))


def _date(text: str) -> int:
    try:
        return parse_date(text)
    except ValueError as error:
        raise InputError(str(error)) from None


def _quoted(text: str | Path) -> str:
    """The text as a TOML string."""
    return json.dumps(str(text), ensure_ascii=False)
