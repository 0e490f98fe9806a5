"""The weather of a case: which source it names, opened and checked as far as that goes without reading it."""

from __future__ import annotations

from kiloland.atmosphere.forcing import ForcingSource, Places
from kiloland.atmosphere.interpolate import ConservingCosineZenith, TimeCycle
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.atmosphere.record import RecordSource
from kiloland.atmosphere.site import SiteSource
from kiloland.atmosphere.streams import DATM_METHODS, StreamSource, daymet_streams
from kiloland.errors import InputError
from kiloland.run.case import AtmosphereKind, Case


def open_source(case: Case, places: Places) -> ForcingSource:
    """The weather of a case for some places, checked as far as that goes without reading all of it."""
    table, distance = case.atmosphere, None if case.atmosphere.anywhere else 0.5
    if table.kind is AtmosphereKind.ELM_SITE:
        return SiteSource.open(table.path, places, maximum_distance=distance)
    orbit = orbital_parameters(case.case.orbital_year)
    cycle = TimeCycle(table.year_first, table.year_last, table.year_align) if table.year_first else None
    sun = {"FSDS": ConservingCosineZenith()} if table.conserve_shortwave else {}
    if table.kind is AtmosphereKind.SITE:
        return RecordSource.open(
            table.path, places, orbit, cycle=cycle, methods=sun, fill=table.fill, maximum_distance=distance
        )
    if cycle is None:
        raise InputError(
            "key missing",
            where="atmosphere.year_first, atmosphere.year_last",
            expected="years of the streams",
        )
    streams = daymet_streams(table.path, cycle, {**DATM_METHODS, **sun}, prefix=table.prefix)
    return StreamSource.open(streams, places, orbit)
