"""Derived fields: published values, inverses, and sums that must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiloland.atmosphere import derive
from kiloland.errors import InputError


@pytest.mark.parametrize(
    ("celsius", "pascals"),
    # Smithsonian tables: over water at and above 0, over ice below.
    [
        (0.0, 611.0),
        (10.0, 1227.0),
        (20.0, 2337.0),
        (30.0, 4243.0),
        (-10.0, 259.9),
        (-20.0, 103.3),
        (-40.0, 12.85),
    ],
)
def test_saturation_vapour_pressure(celsius: float, pascals: float) -> None:
    assert derive.saturation_vapour_pressure(celsius + 273.15) == pytest.approx(pascals, rel=2e-3)


def test_saturation_is_constant_beyond_its_range_and_has_two_values_at_freezing() -> None:
    assert derive.saturation_vapour_pressure(200.0) == derive.saturation_vapour_pressure(220.0)
    assert derive.saturation_vapour_pressure(340.0) == derive.saturation_vapour_pressure(330.0)
    water, ice = (derive.saturation_vapour_pressure(273.15, water_at_freezing=flag) for flag in (True, False))
    assert (float(water), float(ice)) == pytest.approx((610.7799961, 610.9177956), rel=1e-15)


@given(st.floats(1e-6, 0.03), st.floats(4e4, 1.1e5))
def test_humidity_and_vapour_pressure_are_inverse(q: float, pressure: float) -> None:
    assert derive.specific_humidity(derive.vapour_pressure(q, pressure), pressure) == pytest.approx(
        q, rel=1e-13
    )


def test_all_humidities_give_the_same_specific_humidity() -> None:
    t, p, td = np.array([280.0, 295.0]), np.array([9.0e4, 1.0e5]), np.array([275.0, 290.0])
    from_dew_point = derive.humidity_to_specific(derive.DewPoint(td), t, p)
    percent = 100.0 * derive.saturation_vapour_pressure(td) / derive.saturation_vapour_pressure(t)
    from_percent = derive.humidity_to_specific(derive.RelativeHumidity(percent), t, p)
    np.testing.assert_allclose(from_percent, from_dew_point, rtol=1e-14)
    given_q = derive.humidity_to_specific(derive.SpecificHumidity(from_dew_point), t, p)
    np.testing.assert_array_equal(given_q, from_dew_point)
    capped = derive.humidity_to_specific(derive.SpecificHumidity(np.full(2, 0.5)), t, p)
    np.testing.assert_array_equal(capped, derive.saturation_specific_humidity(t, p))
    np.testing.assert_allclose(derive.relative_humidity(capped, t, p), 100.0)


@pytest.mark.parametrize(
    ("celsius", "fraction"), [(-5.0, 0.0), (0.0, 0.0), (0.5, 0.25), (1.0, 0.5), (2.0, 1.0), (20.0, 1.0)]
)
def test_rain_and_snow(celsius: float, fraction: float) -> None:
    rain, snow = derive.rain_and_snow(2e-4, celsius + 273.15)
    assert rain == pytest.approx(2e-4 * fraction, rel=1e-12)
    assert rain + snow == pytest.approx(2e-4, rel=1e-14)


@given(st.floats(0.0, 1400.0))
def test_shortwave_parts_add_up_and_are_not_negative(total: float) -> None:
    sun = derive.split_shortwave(total)
    parts = [sun.direct_visible, sun.direct_near_infrared, sun.diffuse_visible, sun.diffuse_near_infrared]
    assert all(float(part) >= 0.0 for part in parts)
    assert float(sum(parts)) == pytest.approx(total, rel=1e-15, abs=1e-300)
    assert float(sun.direct_visible + sun.diffuse_visible) == pytest.approx(total / 2, rel=1e-15, abs=1e-300)


def test_direct_share_by_hand() -> None:
    sun = derive.split_shortwave(800.0)
    visible = 0.17639 + 0.00380 * 400 - 9.0039e-6 * 400**2 + 8.1351e-9 * 400**3
    near_infrared = 0.29548 + 0.00504 * 400 - 1.4957e-5 * 400**2 + 1.4881e-8 * 400**3
    assert float(sun.direct_visible) == pytest.approx(400 * visible, rel=1e-14)
    assert float(sun.direct_near_infrared) == pytest.approx(400 * near_infrared, rel=1e-14)


def test_longwave_density_and_potential_temperature() -> None:
    q = derive.specific_humidity(1000.0, 1.0e5)
    emissivity = 0.70 + 5.95e-5 * 10.0 * np.exp(1500.0 / 285.0)
    assert derive.clear_sky_longwave(285.0, 1.0e5, q) == pytest.approx(emissivity * 5.670374419e-8 * 285.0**4)
    assert derive.air_density(273.15, 101325.0, 0.0) == pytest.approx(1.2923, rel=1e-3)
    assert derive.potential_temperature(280.0, 1.0e5) == 280.0
    assert derive.potential_temperature(280.0, 8.0e4) == pytest.approx(298.4, abs=0.1)


def weather(**changes: object) -> dict[str, np.ndarray]:
    """Fields of one step and two cells, with changes; None removes a field."""
    fields: dict[str, object] = {
        "TBOT": np.array([[280.0, 170.0]]),
        "QBOT": np.array([[0.005, 1e-5]]),
        "WIND": np.array([[3.0, 1.0]]),
        "PRECTmms": np.array([[1e-4, 1e-4]]),
        "FSDS": np.array([[400.0, 0.0]]),
    }
    fields.update(changes)
    return {name: np.asarray(values) for name, values in fields.items() if values is not None}


def test_defaults_of_the_data_atmosphere() -> None:
    forcing = derive.forcing_from_weather(derive.weather_from_fields(weather(), "x.nc"))
    assert forcing.pressure.tolist() == [[101325.0, 101325.0]]
    assert forcing.reference_height.tolist() == [[30.0, 30.0]]
    assert forcing.temperature.tolist() == [[280.0, 180.0]]
    np.testing.assert_array_equal(forcing.potential_temperature, forcing.temperature)
    np.testing.assert_allclose(forcing.shortwave_down, [[400.0, 0.0]])
    expected = derive.clear_sky_longwave(forcing.temperature, 101325.0, forcing.specific_humidity)
    np.testing.assert_array_equal(forcing.longwave_down, expected)


@pytest.mark.parametrize("name", ["TBOT", "WIND", "PRECTmms", "FSDS", "QBOT"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(InputError, match=name) as caught:
        derive.weather_from_fields(weather(**{name: None}), "x.nc")
    assert "x.nc" in str(caught.value)
