"""Forcing: daily and three-hourly products in, monthly stream files over the cells of a domain out."""

from kiloland.craft.forcing.encoding import Encoding
from kiloland.craft.forcing.make import craft_forcing
from kiloland.craft.forcing.output import PREFIX
from kiloland.craft.forcing.request import (
    DayRule,
    ForcingRequest,
    ForcingSummary,
    Kept,
    Spreading,
    StreamFormat,
)

__all__ = [
    "PREFIX",
    "DayRule",
    "Encoding",
    "ForcingRequest",
    "ForcingSummary",
    "Kept",
    "Spreading",
    "StreamFormat",
    "craft_forcing",
]
