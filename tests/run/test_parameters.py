"""Plant parameters: what is read, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.run.parameters import read_parameters

VALUES = {
    "xl": [0.0, 0.01, -0.3],
    **{f"rhol{band}": [0.0, 0.07, 0.11] for band in ("vis", "nir")},
    **{f"taul{band}": [0.0, 0.05, 0.34] for band in ("vis", "nir")},
    **{f"rhos{band}": [0.0, 0.16, 0.31] for band in ("vis", "nir")},
    **{f"taus{band}": [0.0, 0.001, 0.12] for band in ("vis", "nir")},
    "z0mr": [0.0, 0.055, 0.12],
    "displar": [0.0, 0.67, 0.68],
    "dleaf": [0.0, 0.04, 0.04],
    "woody": [0.0, 1.0, 0.0],
}
NAMES = ("not_vegetated", "spruce", "grass")


def write(path: Path, change: Callable[[netCDF4.Dataset], None] = lambda _: None, without: str = "") -> Path:
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("pft", 3)
        file.createDimension("string_length", 16)
        names = file.createVariable("pftname", "S1", ("pft", "string_length"))
        names[:] = np.array([list(name.ljust(16)) for name in NAMES], "S1")
        for name, values in VALUES.items():
            if name != without:
                variable = file.createVariable(name, "f8", ("pft",))
                variable.units = "m" if name == "dleaf" else "unitless"
                variable[:] = values
        change(file)
    return path


def test_parameters_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = read_parameters(write(tmp_path / "p.nc"))
    assert found.type_names == NAMES
    assert np.array_equal(found.optics.leaf_angle_index, VALUES["xl"])
    assert np.array_equal(found.optics.stem_transmittance[1], VALUES["tausnir"])
    of_patches = found.optics.gather(np.array([2, 0, 2]))
    assert np.array_equal(of_patches.leaf_reflectance[0], [0.11, 0.0, 0.11])
    assert np.array_equal(found.structure.gather(np.array([1])).roughness_ratio, [0.055])


def set_value(name: str, value: float) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        file[name][1] = value

    return change


def set_unit(name: str, unit: str) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        file[name].units = unit

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_value("rholvis", 1.5), ["rholvis", "plant type 1 (spruce)", "1.5"]),
        (set_value("taulvis", 0.95), ["rholvis+taulvis", "spruce", "below 1"]),
        (set_value("xl", float("nan")), ["xl", "spruce", "missing"]),
        (set_value("dleaf", 40.0), ["dleaf", "40.0"]),
        (set_unit("dleaf", "mm"), ["dleaf", "found mm", "expected m"]),
        (set_unit("rhosnir", "percent"), ["rhosnir", "percent"]),
    ],
)
def test_faulty_parameters_are_refused_with_place_and_value(
    tmp_path: Path, change: Callable[[netCDF4.Dataset], None], words: list[str]
) -> None:
    path = write(tmp_path / "p.nc", change)
    with pytest.raises(InputError) as raised:
        read_parameters(path)
    for word in [str(path), *words]:
        assert word in str(raised.value)


@pytest.mark.parametrize("name", ["xl", "tausnir", "dleaf", "woody"])
def test_a_missing_parameter_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        read_parameters(write(tmp_path / "p.nc", without=name))
