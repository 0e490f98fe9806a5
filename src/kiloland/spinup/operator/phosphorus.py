"""Rates of mineral phosphorus and of biochemical mineralisation, by soil order."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.spinup.cascade import LAYERS, POOLS, SECONDS_PER_DAY, layers
from kiloland.spinup.operator.source import Source
from kiloland.spinup.operator.tree import MineralPhosphorus
from kiloland.spinup.subgrid import surface_cells

Float = NDArray[np.float64]

MONTH = 30.0 * SECONDS_PER_DAY
"""ELM's month of the rate constants, s."""
_RATES = ("r_weather", "r_adsorp", "r_desorp", "r_occlude", "smax", "ks_sorption")
SURFACE_P = {"labilep": "LABILE_P", "secondp": "SECONDARY_P", "occlp": "OCCLUDED_P", "primp": "APATITE_P"}
"""Mineral pools and the surface variables (gP m-2) from which ELM fills them on leaving acceleration."""
_LEAST = 1e-6
SURFACE_DEPTH = 0.5
"""m: ELM divides the surface values by this and puts the same in every layer."""


def soil_order_file(source: Source) -> Path | None:
    """The file of constants by soil order (`fsoilordercon`): the given one, else `CNP_parameters*` beside."""
    if source.paths.soil_order is not None:
        return source.paths.soil_order
    beside = sorted(source.paths.parameters.resolve().parent.glob("CNP_parameters*.nc*"))
    return beside[0] if beside else None


def monthly_rate(fraction: Float) -> Float:
    """Rate, s-1, of a share lost per month: -ln(1 - r) / 30 days."""
    return np.asarray(-np.log1p(-np.minimum(fraction, 1.0 - 1e-12)) / MONTH, np.float64)


def surface_values(source: Source, names: tuple[str, ...], block: slice) -> dict[str, Float]:
    """Surface variables at the cells of columns, [column]."""
    keys = source.subgrid.keys
    with open_dataset(source.paths.surface) as surface:
        cell = surface_cells(surface, keys.column_longitude[block], keys.column_latitude[block])
        return {name: np.ravel(surface[name].values())[cell].astype(np.float64) for name in names}


def soil_order_values(source: Source, block: slice, names: tuple[str, ...]) -> dict[str, Float] | None:
    """Constants by soil order at columns; None where no file has them."""
    path = soil_order_file(source)
    if path is None:
        return None
    order = surface_values(source, ("SOIL_ORDER",), block)["SOIL_ORDER"].astype(np.int64)
    with open_dataset(path) as file:
        made = {}
        for name in names:
            values = np.asarray(file[name].values(), np.float64)
            if order.size and not 0 <= order.min() <= order.max() < values.size:
                raise InputError(
                    "a soil order without constants",
                    file=source.paths.surface,
                    variable="SOIL_ORDER",
                    found=int(order.max()),
                    expected=f"0 to {values.size - 1}",
                )
            made[name] = values[order]
        return made


def mineral_rates(source: Source, block: slice) -> MineralPhosphorus:
    """Rates of the columns; zero, with sorption of 1, where no file of constants is given.

    Leaching: yearly flux over the stock of dissolved P, which ELM's law makes the same in every layer.
    """
    columns = len(range(*block.indices(source.columns)))
    constants = soil_order_values(source, block, _RATES)
    if constants is None:
        nothing, one = np.zeros(columns), np.ones(columns)
        constants = dict.fromkeys(_RATES[:4], nothing) | dict.fromkeys(_RATES[4:], one)
    thickness = layers().thickness
    return MineralPhosphorus(
        weathering=jnp.asarray(monthly_rate(constants["r_weather"])),
        adsorption=jnp.asarray(monthly_rate(constants["r_adsorp"])),
        desorption=jnp.asarray(monthly_rate(constants["r_desorp"])),
        occlusion=jnp.asarray(monthly_rate(constants["r_occlude"])),
        sorption_maximum=jnp.asarray(constants["smax"]),
        sorption_half=jnp.asarray(constants["ks_sorption"]),
        leaching=jnp.asarray(leaching_rate(source, block)),
        deposition=jnp.asarray(deposition(source, block, thickness)),
    )


def leaching_rate(source: Source, block: slice) -> Float:
    """Loss of dissolved P, s-1 [layer, column]; zero where the history does not say.

    ELM leaches the share of the soil water that drains, the same in every layer: drainage over liquid water.
    Where these are not on file: the flux over the stock of dissolved P, mean of the years' ratios.
    """
    columns = len(range(*block.indices(source.columns)))
    years = source.window.years
    if source.records.holds("QDRAI", "SOILLIQ"):
        flux = source.intensive("QDRAI", block, years)
        stock = source.intensive("SOILLIQ", block, years).sum(axis=1)
    elif source.records.holds("SMINP_LEACHED", "SOLUTIONP_vr"):
        flux = source.amount("SMINP_LEACHED", block, years)
        stock = (source.amount("SOLUTIONP_vr", block, years) * layers().thickness[:, None]).sum(axis=1)
    else:
        return np.zeros((LAYERS, columns))
    rate = np.where(stock > _LEAST, flux / np.maximum(stock, _LEAST), 0.0).mean(axis=0)
    return np.broadcast_to(np.maximum(rate, 0.0), (LAYERS, columns)).copy()


def deposition(source: Source, block: slice, thickness: Float) -> Float:
    """Phosphorus from the air into primary P, gP m-3 s-1; profile exp(-10 z) as in ELM."""
    columns = len(range(*block.indices(source.columns)))
    if not source.records.holds("PDEP_TO_SMINP"):
        return np.zeros((LAYERS, columns))
    flux = source.intensive("PDEP_TO_SMINP", block, source.window.years).mean(axis=0)
    profile = np.exp(-10.0 * layers().node) / thickness
    profile = profile / (profile * thickness).sum()
    return np.asarray(profile[:, None] * flux, np.float64)


def biochemical(source: Source, block: slice) -> Float:
    """Loss of organic P by phosphatase, s-1 [pool, layer, column], the same for every pool.

    R(k_s1_biochem) fpi (1 - exp(-5 (1 - fpi_p))) with the demands met of nitrogen and phosphorus.
    """
    columns = len(range(*block.indices(source.columns)))
    constants = soil_order_values(source, block, ("k_s1_biochem",))
    if constants is None or not constants["k_s1_biochem"].any():
        return np.zeros((len(POOLS), LAYERS, columns))
    years = source.window.years
    nitrogen, phosphorus = (source.intensive(name, block, years) for name in ("FPI_vr", "FPI_P_vr"))
    need = (nitrogen * (1.0 - np.exp(-5.0 * (1.0 - phosphorus)))).mean(axis=0)
    rate = monthly_rate(constants["k_s1_biochem"]) * need
    return np.broadcast_to(rate, (len(POOLS), LAYERS, columns)).copy()
