"""Tables of snow for the embedded default: optics of ice and particles, and the ageing of grains.

Formulas of textbooks stand for the tables of the real model, which come from Mie theory and a model of single
grains: good to try the software, no basis for a study.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.labels import synthetic_attributes
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.land.biophysics.constants import DENSITY_ICE
from kiloland.land.biophysics.snow_optics import BANDS, RADII

Values = NDArray[np.float64]

ABSORPTION: Final = {"drc": (0.13, 3.8, 28.0, 170.0, 1900.0), "dfs": (0.13, 3.6, 28.0, 140.0, 1700.0)}
"""Absorption of ice in the five bands under the spectrum of the direct beam and of the sky, m-1."""
HALF: Final = 0.47
"""Share of the light that large black grains absorb; what they diffract is nearly as much."""
SLOPE: Final = 0.85
"""Share absorbed by a grain per its absorption times its radius, where that is small."""
BLACK_CARBON_CLASSES, GRAIN_CLASSES = 10, 8
ENHANCEMENT: Final = 1.8
"""Of the absorption by black carbon within grains."""
PARTICLES: Final[dict[str, tuple[float, float, float, float, float]]] = {
    "bc_mam": (0.25, 8000.0, 1.3, 0.35, 0.0),
    "ocphil": (0.99, 20000.0, 1.6, 0.75, 0.0),
    "ocphob": (0.97, 6000.0, 1.6, 0.60, 0.0),
    "dust01": (0.97, 2500.0, 1.0, 0.68, 0.01),
    "dust02": (0.95, 900.0, 0.0, 0.70, 0.02),
    "dust03": (0.92, 400.0, 0.0, 0.75, 0.03),
    "dust04": (0.88, 200.0, 0.0, 0.80, 0.04),
}
"""Of each kind: single-scattering albedo and extinction (m2 kg-1) in the visible, the exponent with which
extinction falls with wavelength, asymmetry, and the gain of the albedo in the infrared."""
_WAVELENGTH: Final = np.array([0.5, 0.85, 1.1, 1.35, 3.25])
"""um."""
TEMPERATURES: Final = 223.15 + 5.0 * np.arange(11)
GRADIENTS: Final = 10.0 * np.arange(31)
DENSITIES: Final = 50.0 * np.arange(1, 9)
"""Axes of the tables of ageing: K, K m-1, kg m-3."""
ACTIVATION: Final = 4500.0
"""Of the growth of grains, K."""
OPTICS_NAME, AGEING_NAME = "snow_optics_synthetic.nc", "snow_ageing_synthetic.nc"


def write_snow_tables(folder: Path) -> tuple[Path, Path]:
    """Write both files into a folder and return their paths.

    Raises:
        OutputError: a file cannot be written.
    """
    optics, ageing = folder / OPTICS_NAME, folder / AGEING_NAME
    sizes = {"wvl": BANDS, "radius_um": len(RADII), "ncl_rds": BLACK_CARBON_CLASSES, "ice_rds": GRAIN_CLASSES}
    _write(optics, "snow optics", sizes, optics_tables())
    sizes = {"T": len(TEMPERATURES), "dTdz": len(GRADIENTS), "sno_dns": len(DENSITIES)}
    _write(ageing, "ageing of snow grains", sizes, ageing_tables())
    return optics, ageing


def optics_tables() -> dict[str, tuple[tuple[str, ...], str, Values]]:
    """Name, dimensions, units and values of the tables of optics."""
    on_radius = ("wvl", "radius_um")
    tables: dict[str, tuple[tuple[str, ...], str, Values]] = {
        "radius_um": (("radius_um",), "um", RADII.astype(np.float64)),
        "bcint_enh_mam": (
            ("ice_rds", "ncl_rds", "wvl"),
            "unitless",
            np.full((GRAIN_CLASSES, BLACK_CARBON_CLASSES, BANDS), ENHANCEMENT),
        ),
    }
    for beam in ABSORPTION:
        tables[f"ss_alb_ice_{beam}"] = (on_radius, "unitless", 1.0 - absorbed_by_grains(beam))
        tables[f"ext_cff_mss_ice_{beam}"] = (
            on_radius,
            "m2 kg-1",
            np.tile(extinction_of_grains(), (BANDS, 1)),
        )
    for name, (albedo, extinction, exponent, asymmetry, gain) in PARTICLES.items():
        rows = {
            "ss_alb": np.minimum(albedo + gain * (np.arange(BANDS) > 0), 0.999),
            "ext_cff_mss": extinction * (_WAVELENGTH / _WAVELENGTH[0]) ** -exponent,
            "asm_prm": np.full(BANDS, asymmetry),
        }
        for prefix, row in rows.items():
            modal = name == "bc_mam"
            values = np.tile(row, (BLACK_CARBON_CLASSES, 1)) if modal else row
            units = "m2 kg-1" if prefix == "ext_cff_mss" else "unitless"
            tables[f"{prefix}_{name}"] = (("ncl_rds", "wvl") if modal else ("wvl",), units, values)
    return tables


def absorbed_by_grains(beam: str) -> Values:
    """Share of the light that a grain of ice takes out and absorbs, ``[band, radius]``.

    0.47 (1 - exp(-0.85 a r / 0.47)) with the absorption a of ice (m-1) and the radius r (m).
    """
    depth = np.array(ABSORPTION[beam])[:, None] * RADII * 1.0e-6
    return np.asarray(HALF * (1.0 - np.exp(-SLOPE * depth / HALF)))


def extinction_of_grains() -> Values:
    """Extinction of grains much larger than the wavelength, m2 kg-1: 3 / (2 rho r)."""
    return np.asarray(1.5 / (DENSITY_ICE * RADII * 1.0e-6))


def ageing_tables() -> dict[str, tuple[tuple[str, ...], str, Values]]:
    """Name, dimensions, units and values of the tables of dry ageing.

    First growth 7.8 exp(4500 (1/273.15 - 1/T)) (1 + 0.4 g / (g + 100)) um h-1, time scale
    (4 + 0.1 g) (400 / rho)^(1/4) h and exponent 1 + g / 300, with temperature T, its gradient g (K m-1) and
    the density rho: warm snow, steep gradients and loose snow age fast.
    """
    temperature, gradient, density = np.meshgrid(TEMPERATURES, GRADIENTS, DENSITIES, indexing="ij")
    warmth = np.exp(ACTIVATION * (1.0 / 273.15 - 1.0 / temperature))
    axes = ("T", "dTdz", "sno_dns")
    return {
        "drdsdt0": (axes, "um hr-1", 7.8 * warmth * (1.0 + 0.4 * gradient / (gradient + 100.0))),
        "tau": (axes, "hours", (4.0 + 0.1 * gradient) * (400.0 / density) ** 0.25),
        "kappa": (axes, "unitless", 1.0 + gradient / 300.0),
    }


def _write(
    path: Path, what: str, sizes: dict[str, int], tables: dict[str, tuple[tuple[str, ...], str, Values]]
) -> None:
    variables, data = [], {}
    for name, (dims, units, values) in tables.items():
        attributes: dict[str, Any] = {"units": units}
        variables.append(VariableSchema(name, "f8", dims, attributes))
        data[name] = values
    detail = "Formulas of textbooks in place of tables from Mie theory and a model of single grains"
    write_dataset(
        path, FileSchema(sizes, None, tuple(variables), synthetic_attributes(f"set: {what}", detail)), data
    )
