"""Particles that fall on snow: a constant file is read once, months are interpolated to the ends of steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.land_streams import PARTICLES
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.run.clock import DAY
from kiloland.run.full_setup import deposition_on
from kiloland.run.land_streams import particle_stream
from kiloland.run.snow_tables import read_constant_deposition, read_first_deposition

LONGITUDE, LATITUDE = np.array([120.0, 240.0]), np.array([-45.0, 45.0])


def deposition_file(path: Path, growth: float) -> Path:
    """Three years of months from 1849 on a small grid; each sample is larger than the last one by a share."""
    sizes = {"lat": 3, "lon": 4}
    axes = {"lat": np.linspace(-90.0, 90.0, 3), "lon": 90.0 * np.arange(4.0)}
    variables = [VariableSchema(name, "f8", (name,), {}) for name in axes]
    data: dict[str, np.ndarray] = dict(axes)
    for number, name in enumerate(PARTICLES, start=1):
        variables.append(VariableSchema(name, "f8", ("time", "lat", "lon"), {"units": "kg/m2/s"}))
        place = number * (1.0 + np.arange(12.0).reshape(3, 4))
        data[name] = 1e-15 * place * (1.0 + growth * np.arange(36.0))[:, None, None]
    write_dataset(path, FileSchema(sizes, ("time", 36), tuple(variables)), data)
    return path


def test_a_constant_file_needs_no_stream(tmp_path: Path) -> None:
    file = deposition_file(tmp_path / "aero.nc", 0.0)
    first, varies = read_first_deposition(file, LONGITUDE, LATITUDE)
    assert not varies
    np.testing.assert_array_equal(first, read_constant_deposition(file, LONGITUDE, LATITUDE))
    stream = particle_stream(file, Places(LONGITUDE, LATITUDE))
    ends = np.array([40 * DAY, 200 * DAY])
    cells = np.array([1, 0, 1])
    for one in deposition_on(first, stream, ends, cells):
        np.testing.assert_allclose(one, first[:, cells], rtol=1e-14)
    assert deposition_on(first, None, ends, cells).shape == (8, 3)


def test_months_are_interpolated_to_the_ends_of_steps(tmp_path: Path) -> None:
    file = deposition_file(tmp_path / "aero.nc", 0.1)
    first, varies = read_first_deposition(file, LONGITUDE, LATITUDE)
    assert varies == "BCPHIDRY"
    stream = particle_stream(file, Places(LONGITUDE, LATITUDE))
    # Year 1 counts as 1850: the middle of January is sample 12, that of February sample 13.
    middle, turn = 15.5, 31.0
    ends = (DAY * np.array([middle, turn, 31.0 + 14.0])).astype(int)
    found = deposition_on(first, stream, ends, np.array([0, 1]))
    for row, growth in zip(found, (2.2, 2.25, 2.3), strict=True):
        np.testing.assert_allclose(row, first * growth, rtol=1e-12)
    with pytest.raises(InputError, match="varies with time"):
        read_constant_deposition(file, LONGITUDE, LATITUDE)
