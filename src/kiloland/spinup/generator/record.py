"""Sums over the days of a year that become the annual means of the history, by ELM's names.

Column fields are per day and g m-3 (layers) or g m-2; patch fields g m-2 of the patch. ``history`` turns sums
into means with ELM's units.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from kiloland.spinup.generator.constants import (
    DEADCROOT,
    DEADSTEM,
    FROOT,
    LEAF,
    LITTERS,
    LIVECROOT,
    LIVESTEM,
    POOLS,
)
from kiloland.spinup.generator.soil import total
from kiloland.spinup.generator.state import Mode, World, WorldState
from kiloland.spinup.generator.step import DayFluxes, layers

Fields = dict[str, Array]
TRANSFERS = (
    ("LITR1", "SOIL1"),
    ("LITR2", "SOIL2"),
    ("LITR3", "SOIL3"),
    ("CWD", "LITR"),
    ("SOIL1", "SOIL2"),
    ("SOIL2", "SOIL3"),
    ("SOIL3", "SOIL4"),
)


def essential(fluxes: DayFluxes, world: World) -> Fields:
    """What accelerated stepping and the averaged scalars need, ``layer cell``; see ``accelerate``."""
    scalar = fluxes.warmth * layers(fluxes.moisture.scalar * fluxes.moisture.oxygen) * world.soil.depth_scalar
    return {
        "scalar": scalar,
        "limited": scalar * fluxes.soil.limit,
        "burned": fluxes.burned,
        "drained": fluxes.water.drained,
        "uptake_p": fluxes.soil.uptake_p,
        "nitrogen_out": fluxes.soil.uptake_n
        + fluxes.soil.immobilisation
        + fluxes.soil.denitrification
        + fluxes.soil.leached_n,
    }


def of_column(before: WorldState, fluxes: DayFluxes, world: World, mode: Mode) -> Fields:
    """Layer fields of the history."""
    soil, state = fluxes.soil, before.soil
    result: Fields = {
        "T_SCALAR": fluxes.warmth,
        "W_SCALAR": layers(fluxes.moisture.scalar),
        "O_SCALAR": layers(fluxes.moisture.oxygen),
        "FPI_vr": soil.supply_n,
        "FPI_P_vr": soil.supply_p,
        "POTENTIAL_IMMOB_vr": soil.potential_immobilisation,
        "ACTUAL_IMMOB_vr": soil.immobilisation,
        "GROSS_NMIN_vr": soil.mineralisation,
        "SMINN_TO_PLANT_vr": soil.uptake_n,
        "SMINP_TO_PLANT_vr": soil.uptake_p,
        "F_NIT_vr": soil.nitrification,
        "F_DENIT_vr": soil.denitrification,
        "SMIN_NH4_vr": state.ammonium,
        "SMIN_NO3_vr": state.nitrate,
        "SOLUTIONP_vr": state.solution,
        "LABILEP_vr": state.labile,
        "SECONDP_vr": state.secondary,
        "OCCLP_vr": state.occluded,
        "PRIMP_vr": state.primary,
    }
    respired = world.soil.respired
    for number, name in enumerate(POOLS):
        upper = name.upper()
        result[f"{upper}C_vr"] = state.carbon[number]
        if name != "cwd":
            result[f"{upper}_HR_vr"] = respired[number] * soil.loss[number]
        if number < LITTERS:
            result[f"{upper}N_vr"] = state.nitrogen[number]
            result[f"{upper}P_vr"] = state.phosphorus[number]
            result[f"M_{upper}C_TO_FIRE_vr"] = soil.burned_c[number]
    for donor, receiver in TRANSFERS:
        number = POOLS.index(donor.lower())
        passed = (1.0 - respired[number]) * soil.loss[number]
        if donor == "CWD":
            result["CWDC_TO_LITR2C_vr"], result["CWDC_TO_LITR3C_vr"] = 0.76 * passed, 0.24 * passed
        else:
            result[f"{donor}C_TO_{receiver}C_vr"] = passed
    scalar = result["T_SCALAR"] * result["W_SCALAR"] * result["O_SCALAR"] * world.soil.depth_scalar
    # The rates of ELM's history are the mean scalars times constants; one mean of their product serves all.
    result["K"] = scalar
    return result


def of_cell(fluxes: DayFluxes, world: World) -> Fields:
    """Column fields without layers, g m-2 day-1."""
    soil, water, weight = fluxes.soil, fluxes.water, world.plants.weight
    return {
        "NFIX_TO_SMINN": soil.fixation,
        "ROCK_P": soil.rock_p,
        "DENIT": total(soil.nitrogen_gas),
        "SMIN_NO3_LEACHED": total(soil.leached_n),
        "SMINP_LEACHED": total(soil.leached_p),
        "PRIMP_TO_LABILEP": total(soil.weathered),
        "SECONDP_TO_OCCLP": total(soil.occluded),
        "OCCLP_ERODED": total(soil.eroded),
        "SUPPLEMENT_TO_SMINN": total(soil.supplied_n),
        "SUPPLEMENT_TO_SMINP": total(soil.supplied_p),
        "DECOMP_FIRE_CLOSS": total(jnp.sum(soil.burned_c, axis=0)),
        "DECOMP_FIRE_NLOSS": total(soil.burned_n),
        "DECOMP_FIRE_PLOSS": total(soil.burned_p),
        "PFT_FIRE_CLOSS_COL": jnp.sum(weight * fluxes.plants.fire[0], axis=0),
        "PFT_FIRE_NLOSS_COL": jnp.sum(weight * fluxes.plants.fire[1], axis=0),
        "PFT_FIRE_PLOSS_COL": jnp.sum(weight * fluxes.plants.fire[2], axis=0),
        "FAREA_BURNED": fluxes.burned,
        "QVEGT": water.transpiration,
        "QSOIL": water.evaporation,
        "QRUNOFF": water.runoff,
        "WATER_UPPER": fluxes.moisture.wetness[0] * world.soil.saturation[0],
        "WATER_LOWER": fluxes.moisture.wetness[1] * world.soil.saturation[1],
    }


def of_patch(before: WorldState, fluxes: DayFluxes, world: World) -> Fields:
    """Patch fields."""
    state, plants, want, today = before.plants, world.plants, fluxes.want, fluxes.plants
    tissue, burned = state.tissue, fluxes.burned
    result: Fields = {
        "GPP": want.gpp,
        "MR": want.maintenance,
        "GR": today.growth_respiration,
        "XR": today.excess,
        "NPP": today.npp,
        "PLANT_NDEMAND": want.nitrogen,
        "PLANT_PDEMAND": want.phosphorus,
        "PFT_FIRE_CLOSS": today.fire[0],
        "LEAFC_TO_LITTER": today.leaf_litter,
        "FROOTC_TO_LITTER": today.froot_litter,
        "LEAFC_STORAGE": state.leaf_storage,
        "FROOTC_STORAGE": state.froot_storage,
        "CPOOL": state.cpool,
        "XSMRPOOL": state.xsmrpool,
        "NPOOL": state.npool,
        "PPOOL": state.ppool,
        "RETRANSN": state.retransn,
        "RETRANSP": state.retransp,
        "BTRAN": jnp.broadcast_to(fluxes.moisture.plants, state.npool.shape),
        "nlim_m": state.nitrogen_status,
        "plim_m": state.phosphorus_status,
        "wlim_m": state.water_status,
        "TLAI": plants.sla * tissue[LEAF],
    }
    names = ("LEAFC", "FROOTC", "LIVESTEMC", "DEADSTEMC", "LIVECROOTC", "DEADCROOTC")
    for number, name in zip((LEAF, FROOT, LIVESTEM, DEADSTEM, LIVECROOT, DEADCROOT), names, strict=True):
        result[name] = tissue[number]
        result[f"BURNED_{name}"] = burned * tissue[number]
    return result


def daily(before: WorldState, fluxes: DayFluxes, world: World) -> Fields:
    """What the monthly tape needs of each day, ``cell``."""
    weight, plants = world.plants.weight, world.plants
    leaves = plants.sla * before.plants.tissue[LEAF]
    return {
        "GPP": jnp.sum(weight * fluxes.want.gpp, axis=0),
        "TLAI": jnp.sum(weight * leaves, axis=0),
        "WATER_UPPER": fluxes.moisture.wetness[0] * world.soil.saturation[0],
        "WATER_LOWER": fluxes.moisture.wetness[1] * world.soil.saturation[1],
    }
