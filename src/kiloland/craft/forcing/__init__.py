"""Forcing: daily and three-hourly products in, monthly stream files over the cells of a domain out."""

from kiloland.craft.forcing.encoding import Encoding
from kiloland.craft.forcing.make import craft_forcing
from kiloland.craft.forcing.output import PREFIX
from kiloland.craft.forcing.request import ForcingRequest, ForcingSummary

__all__ = [
    "PREFIX",
    "Encoding",
    "ForcingRequest",
    "ForcingSummary",
    "craft_forcing",
]
