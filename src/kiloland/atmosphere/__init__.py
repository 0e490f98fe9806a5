"""The data atmosphere: forcing of the land from weather records, streams and ELM's site files."""

from kiloland.atmosphere.calendar import ModelTimes, calendar_day, date_of_seconds, seconds_of_date
from kiloland.atmosphere.checks import check_forcing_file
from kiloland.atmosphere.findings import Finding, Severity
from kiloland.atmosphere.forcing import Forcing, ForcingSource, Places
from kiloland.atmosphere.interpolate import (
    ConservingCosineZenith,
    CosineZenith,
    Linear,
    Lower,
    Nearest,
    TimeCycle,
    Upper,
)
from kiloland.atmosphere.orbit import (
    Orbit,
    cosine_zenith,
    day_length,
    declination,
    orbital_parameters,
    zenith_day,
)
from kiloland.atmosphere.record import RecordSource
from kiloland.atmosphere.site import SiteSource
from kiloland.atmosphere.streams import Stream, StreamSource, daymet_streams

__all__ = [
    "ConservingCosineZenith",
    "CosineZenith",
    "Finding",
    "Forcing",
    "ForcingSource",
    "Linear",
    "Lower",
    "ModelTimes",
    "Nearest",
    "Orbit",
    "Places",
    "RecordSource",
    "Severity",
    "SiteSource",
    "Stream",
    "StreamSource",
    "TimeCycle",
    "Upper",
    "calendar_day",
    "check_forcing_file",
    "cosine_zenith",
    "date_of_seconds",
    "day_length",
    "daymet_streams",
    "declination",
    "orbital_parameters",
    "seconds_of_date",
    "zenith_day",
]
