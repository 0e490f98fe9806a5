"""The fields of the coupler: names, signs, units, and the means of ELM's tapes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.files import open_dataset
from kiloland.land.coupler import (
    CellMeans,
    FromCoupler,
    ToCoupler,
    coupler_fields,
    subsurface_runoff_temperature,
    surface_runoff_temperature,
    to_coupler,
)
from kiloland.land.vertical import ground_grid


def means(**values: float) -> CellMeans:
    """Means of two cells, one unless given."""
    shapes = {"albedo_direct": (2, 2), "albedo_diffuse": (2, 2), "dust": (4, 2), "soil_temperature": (15, 2)}
    names = [item.name for item in fields(CellMeans)]
    return CellMeans(**{name: jnp.full(shapes.get(name, (2,)), values.get(name, 1.0)) for name in names})


def test_every_field_has_its_own_name_and_units() -> None:
    received, sent = coupler_fields(FromCoupler), coupler_fields(ToCoupler)
    names = [item.name for item in (*received.values(), *sent.values())]
    assert len(set(names)) == len(names) == 34 + 33
    assert all(item.units for item in (*received.values(), *sent.values()))
    assert all(item.name.startswith(("Sa_", "Faxa_", "Flrr_")) for item in received.values())
    assert all(item.name.startswith(("Sl_", "Fall_", "Flrl_")) for item in sent.values())


def test_fluxes_to_the_air_count_downwards_and_to_the_rivers_towards_them() -> None:
    sent = to_coupler(means())
    for name, item in coupler_fields(ToCoupler).items():
        value = float(getattr(sent, name)[0])
        if item.name.startswith("Fall_") and item.name != "Fall_swnet":
            assert value < 0.0, name
        elif name != "irrigation_demand":
            assert value > 0.0, name


def test_units_change_where_the_coupler_has_others() -> None:
    sent = to_coupler(means(snow_water=250.0, longwave_up=5.670374419e-8 * 280.0**4))
    assert float(sent.snow_water[0]) == 0.25
    assert float(sent.radiative_temperature[0]) == pytest.approx(280.0, rel=1e-14)
    assert float(to_coupler(means()).carbon_dioxide[0]) == pytest.approx(-2e-3 * 44.0 / 12.0)


def test_runoff_carries_the_temperature_of_where_it_comes_from() -> None:
    node = ground_grid().node
    temperature = jnp.asarray(np.tile(np.linspace(280.0, 294.0, 15)[:, None], 4))
    surface = float(surface_runoff_temperature(temperature)[0])
    assert 280.0 < surface < 282.0
    table = jnp.array([0.0, 1.0, 2.5, 50.0])
    found = np.asarray(subsurface_runoff_temperature(temperature, table))
    assert np.all(np.diff(found[:3]) > 0.0)
    assert found[3] == 289.0
    # Between the ninth and tenth node only the tenth layer is saturated.
    assert node[8] < 2.5 < node[9]
    assert found[2] == pytest.approx(289.0)


@pytest.mark.oracle
def test_means_of_the_tape_give_its_runoff_and_emission(shared: Path) -> None:
    folder = shared / "data" / "elm" / "q5d_4cells_summer_steps"
    with open_dataset(folder / "h0.nc.gz") as tape:
        values = {
            "surface_runoff": "QOVER",
            "pond_outflow": "QH2OSFC",
            "base_drainage": "QDRAI",
            "perched_drainage": "QDRAI_PERCH",
            "excess": "QRGWL",
            "longwave_up": "FIRE",
            "latent": "EFLX_LH_TOT",
            "sensible": "FSH",
            "evaporation": "QFLX_EVAP_TOT",
        }
        known = {
            name: jnp.asarray(np.asarray(tape[elm].read(20), np.float64).reshape(-1))
            for name, elm in values.items()
            if elm in tape
        }
        runoff = np.asarray(tape["QRUNOFF"].read(20), np.float64).reshape(-1)
    sent = to_coupler(replace(means(), **known))
    total = sent.surface_runoff + sent.subsurface_runoff + sent.lake_and_glacier_runoff
    np.testing.assert_allclose(total, runoff, rtol=1e-12, atol=1e-20)
    np.testing.assert_allclose(-sent.latent, known["latent"])
    assert np.all((sent.radiative_temperature > 280.0) & (sent.radiative_temperature < 310.0))
