"""The fields of the coupler from the history fields of a run, as means of cells."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from kiloland.land.coupler import CellMeans, FromCoupler, ToCoupler, coupler_fields, to_coupler

CONVECTIVE_SHARE = 0.1
"""Of precipitation, as E3SM's data atmosphere divides it."""
SENT = {
    "snow_water": "H2OSNO",
    "albedo_direct": "ALBD",
    "albedo_diffuse": "ALBI",
    "screen_temperature": "TSA",
    "screen_humidity": "Q2M",
    "momentum_resistance": "RAM1",
    "friction_velocity": "FV",
    "surface_soil_water": "H2OSOI",
    "eastward_stress": "TAUX",
    "northward_stress": "TAUY",
    "latent": "EFLX_LH_TOT",
    "sensible": "FSH",
    "longwave_up": "FIRE",
    "evaporation": "QFLX_EVAP_TOT",
    "absorbed_shortwave": "FSA",
    "surface_runoff": "QOVER",
    "pond_outflow": "QH2OSFC",
    "base_drainage": "QDRAI",
    "perched_drainage": "QDRAI_PERCH",
    "excess": "QRGWL",
    "capped_ice": "QSNWCPICE",
    "soil_temperature": "TSOI",
    "water_table": "ZWT",
}
"""What the land sends is made of these means (:class:`CellMeans`) of history fields."""
RECEIVED = {
    "reference_height": "ZBOT",
    "eastward_wind": "WIND",
    "potential_temperature": "THBOT",
    "temperature": "TBOT",
    "specific_humidity": "QBOT",
    "pressure": "PBOT",
    "longwave_down": "FLDS",
    "direct_near_infrared": "FSDSND",
    "direct_visible": "FSDSVD",
    "diffuse_near_infrared": "FSDSNI",
    "diffuse_visible": "FSDSVI",
}
"""What the land receives, by the attribute of the list; all wind blows from the west, as the step has it."""
PRECIPITATION = ("RAIN", "SNOW")
NOT_SENT = (
    *("ten_metre_wind", "ten_metre_wind_with_gusts", "carbon_dioxide", "methane"),
    *("dust_1", "dust_2", "dust_3", "dust_4"),
)
"""What no process of a run computes: it is left out of the files."""
PARTICLE_NAMES = {
    # attribute of the list: place in a sample of the deposition file
    "black_carbon_hydrophilic_wet": 0,
    "black_carbon_hydrophobic_dry": 1,
    "black_carbon_hydrophilic_dry": 2,
    "organic_carbon_hydrophilic_wet": 3,
    "organic_carbon_hydrophobic_dry": 4,
    "organic_carbon_hydrophilic_dry": 5,
    **{f"dust_{size}_dry": 5 + size for size in range(1, 5)},
    **{f"dust_{size}_wet": 9 + size for size in range(1, 5)},
}
HISTORY_FIELDS = (*SENT.values(), *RECEIVED.values(), *PRECIPITATION)
"""All that the tape of the coupler accumulates."""
Means = Mapping[str, np.ndarray]
"""History fields as means of cells, ``[*levels, cell]``."""


def sent_fields(means: Means) -> dict[str, np.ndarray]:
    """What the land sends, by the coupler's name (``Sl_t``), in its units and with its signs.

    Made of the means of an interval: temperatures of radiation and of runoff are those of mean longwave, of
    mean soil temperature and water table.
    """
    sent = to_coupler(_cell_means(means))
    names = coupler_fields(ToCoupler)
    return {
        names[attribute].name: np.asarray(getattr(sent, attribute))
        for attribute in names
        if attribute not in NOT_SENT
    }


def received_fields(
    means: Means, carbon_dioxide: float, particles: np.ndarray | None
) -> dict[str, np.ndarray]:
    """What the land receives, by the coupler's name (``Sa_tbot``).

    Args:
        means: of an interval.
        carbon_dioxide: share of the air, 1e-6.
        particles: deposition ``[field, cell]`` in the order of the file, kg m-2 s-1; None where none falls.
    """
    found = {attribute: means[name] for attribute, name in RECEIVED.items()}
    cells = found["temperature"]
    found["northward_wind"] = np.zeros_like(cells)
    found["carbon_dioxide"] = np.full_like(cells, carbon_dioxide)
    for name, kind in zip(PRECIPITATION, ("rain", "snow"), strict=True):
        found[f"convective_{kind}"] = CONVECTIVE_SHARE * means[name]
        found[f"large_scale_{kind}"] = means[name] - found[f"convective_{kind}"]
    for attribute, row in PARTICLE_NAMES.items():
        found[attribute] = np.zeros_like(cells) if particles is None else particles[row]
    names = coupler_fields(FromCoupler)
    return {names[attribute].name: found[attribute] for attribute in names if attribute in found}


def units_of(kind: type[FromCoupler] | type[ToCoupler]) -> dict[str, str]:
    """Units of every field of a list, by the coupler's name."""
    return {item.name: item.units for item in coupler_fields(kind).values()}


def _cell_means(means: Means) -> CellMeans:
    """The means as the coupler's list wants them; nothing that a run does not compute is sent (NOT_SENT)."""
    here = {attribute: jnp.asarray(means[name]) for attribute, name in SENT.items()}
    none = jnp.zeros_like(here["sensible"])
    return CellMeans(
        **here | {"surface_soil_water": here["surface_soil_water"][0]},
        ten_metre_wind=none,
        ten_metre_wind_with_gusts=none,
        net_ecosystem_exchange=none,
        carbon_to_methane=none,
        methane=none,
        dust=jnp.zeros((4, *none.shape)),
    )
