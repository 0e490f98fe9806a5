"""Forcing: daily and three-hourly products in, monthly stream files over the cells of a domain out."""

from kiloland.craft.forcing.kernel import DailyWeather, Downscaled, SubdailyShape, downscale
from kiloland.craft.forcing.make import ForcingRequest, ForcingSummary, craft_forcing
from kiloland.craft.forcing.output import PREFIX

__all__ = [
    "PREFIX",
    "DailyWeather",
    "Downscaled",
    "ForcingRequest",
    "ForcingSummary",
    "SubdailyShape",
    "craft_forcing",
    "downscale",
]
