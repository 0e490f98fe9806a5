"""Surface, parameter and soil-order files of a member, in ELM's formats.

The parameter file holds ELM's defaults. What the model world does differently from cell to cell is not there:
see ``UNKNOWN``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.spinup.generator.cells import CellProperties
from kiloland.spinup.generator.constants import PLANT_TYPES
from kiloland.spinup.generator.layout import Subgrid, file_attributes
from kiloland.spinup.generator.traits import SOIL_ORDERS, read_traits

UNKNOWN = {
    "q10_hr": "Q10 of decomposition differs by biome (1.6 to 1.95) and cell; the file says 1.5",
    "froz_q10": "Q10 below freezing is about 2.2 and differs by cell; the file says 1.5",
    "minpsi_hr": "water potential of no decomposition, about -25 MPa, differs by cell; the file says -10",
    "rf_*": "respired fractions grow with clay; the files have those of no clay effect",
    "decomp_depth_efolding": "0.5 to 1.2 m by cell, and the scalar ends at 0.05; the file says 0.75",
    "som_diffus": "diffusivity of vertical mixing differs by cell by a factor of 0.6 to 3.6",
    "r_mort": "mortality differs by cell, 0.01 to 0.04 per year; the file says 0.02",
    "exudation": "process: roots exude 1 to 13 % of the carbon for growth as litter without nutrients",
    "erosion": "process: occluded P is lost at 1/300 per year",
    "gas": "process: 4 to 16 % of mineralised N and 2 to 15 % of nitrified N are lost as gas, by cell",
    "binding": "process: 6 to 24 % of mineralised P is bound in occluded form at once, by cell",
    "partners": "process: root partners provide 60 % of the unmet demand for N and 80 % of that for P",
    "productivity": "light use, its temperature response and the water stress are the world's own",
}
"""What a reader of the files cannot know, by the parameter that says otherwise or by process."""

CONSTANTS = (
    ("k_l1", "1/day", "Decomposition rate for litter 1", 1.20397280432594),
    ("k_l2", "1/day", "Decomposition rate for litter 2", 0.0725706928348355),
    ("k_l3", "1/day", "Decomposition rate for litter 3", 0.0140989243795016),
    ("k_s1", "1/day", "Decomposition rate for SOM 1", 0.0725706928348355),
    ("k_s2", "1/day", "Decomposition rate for SOM 2", 0.0140989243795016),
    ("k_s3", "1/day", "Decomposition rate for SOM 3", 0.0014009809156281),
    ("k_s4", "1/day", "Decomposition rate for SOM 4", 0.000100005000333347),
    ("k_frag", "1/day", "Fragmentation rate for CWD", 0.00100050033358353),
    ("rf_l1s1", "unitless", "Respiration fraction for litter 1 -> SOM 1", 0.39),
    ("rf_l2s2", "unitless", "Respiration fraction for litter 2 -> SOM 2", 0.55),
    ("rf_l3s3", "unitless", "Respiration fraction for litter 3 -> SOM 3", 0.29),
    ("rf_s1s2", "unitless", "Respiration fraction for SOM 1 -> SOM 2", 0.28),
    ("rf_s2s3", "unitless", "Respiration fraction for SOM 2 -> SOM 3", 0.46),
    ("rf_s3s4", "unitless", "Respiration fraction for SOM 3 -> SOM 4", 0.55),
    ("cn_s1", "gC/gN", "C:N for SOM pool 1", 12.0),
    ("cn_s2", "gC/gN", "C:N for SOM pool 2", 12.0),
    ("cn_s3", "gC/gN", "C:N for SOM pool 3", 10.0),
    ("cn_s4", "gC/gN", "C:N for SOM pool 4", 10.0),
    ("np_s1_new", "none", "NP ratio for soil 1", 30.0),
    ("np_s2_new", "none", "NP ratio for soil 2", 30.0),
    ("np_s3_new", "none", "NP ratio for soil 3", 50.0),
    ("np_s4_new", "none", "NP ratio for soil 4", 50.0),
    ("cwd_fcel", "unitless", "Cellulose fraction for CWD", 0.76),
    ("cwd_flig", "unitless", "Lignin fraction of coarse woody debris", 0.24),
    ("q10_hr", "unitless", "Q10 for heterotrophic respiration", 1.5),
    ("froz_q10", "unitless", "Separate q10 for frozen soil respiration rates", 1.5),
    ("minpsi_hr", "MPa", "Minimum soil water potential for heterotrophic resp", -10.0),
    ("decomp_depth_efolding", "m", "e-folding depth for reduction in decomposition", 0.75),
    ("som_diffus", "m^2/sec", "Vertical soil organic matter diffusion coefficient", 3.171e-12),
    ("cryoturb_diffusion_k", "m^2/sec", "The cryoturbation diffusive constant", 1.5855e-11),
    ("max_altdepth_cryoturbation", "m", "Maximum active layer thickness for cryoturbation to occur", 2.0),
    (
        "max_altmultiplier_cryoturb",
        "unitless",
        "Ratio of the extent of cryoturbation to the active layer",
        3.0,
    ),
    ("r_mort", "1/year", "Mortality rate", 0.02),
    ("k_mort", "unitless", "Coefficient of growth efficiency in mortality equation", 0.3),
    ("lwtop_ann", "unitless", "Live wood turnover proportion", 0.7),
    ("br_mr", "gC/gN/s", "Base rate for maintenance respiration", 2.525e-6),
    ("q10_mr", "unitless", "Q10 for maintenance respiration", 1.5),
    ("sf_no3", "unitless", "Soluble fraction of NO3", 1.0),
    ("mino2lim", "unitless", "Minimum anaerobic decomposition rate", 0.2),
)
"""Parameters that are the same for all plant types, ELM's names, units and meaning."""

SURFACE = ("LABILE_P", "SECONDARY_P", "OCCLUDED_P", "APATITE_P")


def write_parameters(path: Path, member: int) -> None:
    """Write the parameter file of plants and decomposition."""
    variables, data = [], {}
    for name, units, text, value in CONSTANTS:
        variables.append(VariableSchema(name, "f8", ("allpfts",), {"units": units, "long_name": text}))
        data[name] = np.array([value])
    for name, trait in read_traits().items():
        attributes = {"units": trait.units, "long_name": trait.long_name}
        variables.append(VariableSchema(name, "f8", ("pft",), attributes))
        data[name] = trait.values
    schema = FileSchema(
        dimensions={"allpfts": 1, "pft": PLANT_TYPES},
        variables=tuple(variables),
        attributes=file_attributes("Plant and decomposition parameters (model world)", member),
    )
    write_dataset(path, schema, data)


def write_soil_orders(path: Path, member: int) -> None:
    """Write the constants by soil order, as ELM's ``fsoilordercon``."""
    schema = FileSchema(
        dimensions={"soilorder": 16},
        variables=tuple(VariableSchema(name, "f8", ("soilorder",)) for name in SOIL_ORDERS),
        attributes=file_attributes("Constants by soil order (model world)", member),
    )
    write_dataset(path, schema, dict(SOIL_ORDERS))


def write_surface(path: Path, grid: Subgrid, properties: CellProperties, member: int) -> None:
    """Write the surface file: unstructured, one vegetated landunit a cell."""
    cells = grid.cells
    cover = 100.0 * grid.weight().reshape(cells, PLANT_TYPES).T
    zero, one = np.zeros(cells), np.ones(cells)
    flat: dict[str, tuple[str, NDArray[Any], str]] = {
        "LONGXY": ("f8", grid.longitude, "degrees_east"),
        "LATIXY": ("f8", grid.climate.latitude, "degrees_north"),
        "AREA": ("f8", grid.climate.area, "km^2"),
        "PFTDATA_MASK": ("i4", one.astype(int), ""),
        "LANDFRAC_PFT": ("f8", one, ""),
        "PCT_NATVEG": ("f8", 100.0 * one, "%"),
        "SOIL_ORDER": ("i4", properties.soil_order.astype(int), ""),
        "SOIL_COLOR": ("i4", (10 * one).astype(int), ""),
        "FMAX": ("f8", 0.4 * one, ""),
        "SLOPE": ("f8", 2.0 * one, "degrees"),
        "TOPO": ("f8", 100.0 * one, "m"),
    }
    flat |= {f"PCT_{name}": ("f8", zero, "%") for name in ("LAKE", "WETLAND", "GLACIER", "CROP")}
    for number, name in enumerate(SURFACE):
        flat[name] = ("f8", properties.phosphorus[number], "gP/m2")
    layered = {
        "PCT_SAND": (properties.sand, "%"),
        "PCT_CLAY": (properties.clay, "%"),
        "ORGANIC": (properties.organic, "kg/m3"),
    }
    variables = [
        VariableSchema(name, dtype, ("gridcell",), {"units": units} if units else {})
        for name, (dtype, _, units) in flat.items()
    ]
    variables += [
        VariableSchema(name, "f8", ("nlevsoi", "gridcell"), {"units": units})
        for name, (_, units) in layered.items()
    ]
    variables += [
        VariableSchema("natpft", "i4", ("natpft",)),
        VariableSchema("PCT_NAT_PFT", "f8", ("natpft", "gridcell"), {"units": "%"}),
    ]
    data: dict[str, NDArray[Any]] = {name: values for name, (_, values, _) in flat.items()}
    data |= {name: values for name, (values, _) in layered.items()}
    data |= {"natpft": np.arange(PLANT_TYPES), "PCT_NAT_PFT": cover}
    schema = FileSchema(
        dimensions={"gridcell": cells, "nlevsoi": 10, "natpft": PLANT_TYPES},
        variables=tuple(variables),
        attributes=file_attributes("Surface data (model world)", member),
    )
    write_dataset(path, schema, data)
