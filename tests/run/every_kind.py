"""Small inputs with every kind of column: synthetic cells with lakes, wetlands, land ice, towns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from run_cases import Arrays, Table, linked, rewrite

from kiloland.craft.synthetic_snow import AGEING_NAME, OPTICS_NAME
from kiloland.run.clock import date_label, parse_date

CELLS = 6
KINDS_OF_CELLS = {
    # percent of the cells 0 to 5: a kind may be in one cell alone, and a cell may have no soil
    "PCT_LAKE": (0.0, 25.0, 0.0, 0.0, 10.0, 100.0),
    "PCT_WETLAND": (0.0, 0.0, 0.0, 30.0, 5.0, 0.0),
    "PCT_GLACIER": (0.0, 15.0, 0.0, 0.0, 0.0, 0.0),
}
TOWNS = ((0.0, 0.0, 2.0, 0.0, 1.0, 0.0), (0.0, 0.0, 8.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 12.0, 0.0, 0.0))
"""Percent of each density in the cells."""
BUILT: dict[str, tuple[float, ...]] = {
    # tall, high and medium density
    "CANYON_HWR": (3.5, 1.6, 0.8),
    "WTLUNIT_ROOF": (0.6, 0.5, 0.35),
    "WTROAD_PERV": (0.15, 0.3, 0.5),
    "EM_ROOF": (0.9, 0.9, 0.9),
    "EM_WALL": (0.88, 0.89, 0.9),
    "EM_IMPROAD": (0.88, 0.88, 0.9),
    "EM_PERROAD": (0.95, 0.95, 0.95),
    "HT_ROOF": (45.0, 15.0, 8.0),
    "WIND_HGT_CANYON": (22.5, 7.5, 4.0),
    "THICK_WALL": (0.35, 0.3, 0.25),
    "THICK_ROOF": (0.3, 0.25, 0.2),
    "T_BUILDING_MIN": (291.0, 290.0, 289.0),
    "T_BUILDING_MAX": (297.0, 300.0, 303.0),
    "NLEV_IMPROAD": (3.0, 2.0, 2.0),
}
ALBEDO = {"ROOF": 0.2, "WALL": 0.25, "IMPROAD": 0.1, "PERROAD": 0.08}
MATERIAL = {"ROOF": (0.96, 1.43e6), "WALL": (1.2, 1.76e6), "IMPROAD": (1.68, 2.09e6)}
"""Conductivity, W m-1 K-1, and heat capacity, J m-3 K-1."""
START = "0001-05-01-72000"
STEP = 1800
FIELDS = (
    *("TSOI", "TLAKE", "TG", "TSA", "H2OSNO", "FSA", "FSH", "EFLX_LH_TOT", "FIRE", "QRUNOFF", "TBOT"),
    *("SNOTTOPL", "BUILDHEAT", "TREFMXAV", "FGR", "TWS:instantaneous"),
)


def with_every_kind(inputs: Path, folder: Path) -> Path:
    """A folder with the inputs of six synthetic cells, in which some have lakes, wetlands, ice and towns."""
    linked(inputs, folder)

    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        built = np.zeros(CELLS)
        for name, percent in KINDS_OF_CELLS.items():
            arrays[name] = np.array(percent)
            built += arrays[name]
        arrays["PCT_URBAN"] = np.array(TOWNS)
        arrays["PCT_NATVEG"] = 100.0 - built - arrays["PCT_URBAN"].sum(axis=0)
        for name, values in BUILT.items():
            put(arrays, attributes, name, np.repeat(np.array(values)[:, None], CELLS, axis=1))
        for surface, albedo in ALBEDO.items():
            for number, beam in enumerate(("DIR", "DIF")):
                values = np.full((2, 3, CELLS), albedo + 0.01 * number)
                put(arrays, attributes, f"ALB_{surface}_{beam}", values, "numrad")
        for surface, pair in MATERIAL.items():
            for kind, value in zip(("TK", "CV"), pair, strict=True):
                put(arrays, attributes, f"{kind}_{surface}", np.full((5, 3, CELLS), value), "nlevurb")

    rewrite(folder / "surfdata.nc", change, sizes={"numrad": 2, "nlevurb": 5})
    return folder


def put(arrays: Arrays, attributes: dict[str, Table], name: str, values: np.ndarray, *levels: str) -> None:
    """A new variable of towns."""
    arrays[name] = values
    attributes[name] = {"dims": (*levels, "numurbl", "gridcell")}


def changes(inputs: Path, steps: int, **more: Any) -> Table:
    """Of a case: all of water and energy, tapes of means and of vectors, the exchange with the coupler.

    The last interval of the vectors is not over at the end.
    """
    tapes = [
        {"fields": list(FIELDS), "every": "2 steps", "records_per_file": 2, "precision": "double"},
        {
            "fields": list(FIELDS),
            "every": "3 steps",
            "records_per_file": 2,
            "subgrid": True,
            "precision": "double",
        },
    ]
    return {
        "case__start": START,
        "case__stop": after(steps),
        "case__surface_flux": "full",
        "input__snow_optics": inputs / OPTICS_NAME,
        "input__snow_ageing": inputs / AGEING_NAME,
        "history": tapes,
        "coupler": [{"every": "2 steps", "records_per_file": 2}],
        **more,
    }


def after(steps: int) -> str:
    """The moment after so many steps."""
    return date_label(parse_date(START) + steps * STEP)
