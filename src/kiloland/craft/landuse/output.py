"""The file of a land-use series, as ELM's dynamic plant types read it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.craft.landcover.parts import Parts
from kiloland.craft.landuse.work import CellLayout, Work
from kiloland.files import DatasetWriter, FileSchema, VariableSchema, open_dataset

NAME_LENGTH: Final = 256


def variable_type(work: Work, name: str) -> str:
    """Type of a variable on file; PCT_CROP stays double, as its sum with the surface file is checked."""
    return "f4" if work.request.single and name != "PCT_CROP" else "f8"


def assemble(work: Work, parts: Parts, notes: list[str]) -> None:
    """The file, from the years."""
    with DatasetWriter(work.request.output, _schema(work, notes)) as writer:
        years = work.source.years[work.chosen].astype(np.int32)
        for name, values in fixed_values(work.layout, years, work.request.source.name).items():
            writer.put(name, values)
        layout = work.layout
        for record, position in enumerate(work.chosen):
            with open_dataset(parts.path(f"year_{int(work.source.years[position])}")) as part:
                for name in work.source.names:
                    lead = (0,) * len(work.lead(name))
                    for cells in layout.blocks():
                        values = part[name].read((slice(None), cells))
                        values = values if lead else values[0]
                        start = (record, *lead, *layout.start(cells))
                        writer.put(name, layout.shaped(values)[None], start=start)


def fixed_values(layout: CellLayout, years: NDArray[np.int32], source_name: str) -> dict[str, NDArray[Any]]:
    """What does not come from the years."""
    domain = layout.domain
    text = np.frombuffer(source_name.encode("utf-8")[:NAME_LENGTH].ljust(NAME_LENGTH), "S1")
    cells: dict[str, NDArray[Any]] = {
        "gridID": domain.gridcell_id,
        "LONGXY": domain.longitude,
        "LATIXY": domain.latitude,
        "AREA": domain.area_km2,
        "LANDMASK": domain.mask,
        "LANDFRAC_PFT": domain.fraction,
    }
    return {key: layout.shaped(values) for key, values in cells.items()} | {
        "natpft": np.arange(17, dtype=np.int32),
        "time": years,
        "YEAR": years,
        "input_pftdata_filename": np.broadcast_to(text, (years.size, NAME_LENGTH)),
    }


def fixed_variables(layout: CellLayout) -> tuple[dict[str, int], list[VariableSchema]]:
    """Dimensions besides time, and the variables of :func:`fixed_values`."""
    cells = layout.dims
    return layout.sizes | {"natpft": 17, "nchar": NAME_LENGTH}, [
        VariableSchema("gridID", "i8", cells, {"long_name": "gridcell id of the domain"}),
        VariableSchema("LONGXY", "f8", cells, {"long_name": "longitude", "units": "degrees_east"}),
        VariableSchema("LATIXY", "f8", cells, {"long_name": "latitude", "units": "degrees_north"}),
        VariableSchema("AREA", "f8", cells, {"long_name": "cell area", "units": "km2"}),
        VariableSchema("LANDMASK", "i4", cells, {"long_name": "land mask", "units": "1"}),
        VariableSchema("LANDFRAC_PFT", "f8", cells, {"long_name": "land fraction", "units": "1"}),
        VariableSchema("natpft", "i4", ("natpft",), {"long_name": "natural plant types"}),
        VariableSchema("time", "i4", ("time",), {"long_name": "year", "units": "year"}),
        VariableSchema("YEAR", "i4", ("time",), {"long_name": "year of the plant types", "units": "year"}),
        VariableSchema("input_pftdata_filename", "S1", ("time", "nchar"), {"long_name": "source"}),
    ]


def _schema(work: Work, notes: list[str]) -> FileSchema:
    """Dimensions, variables and attributes of the file, as ELM's dynamic plant types read them."""
    dataset, cells = work.source.dataset, work.layout.dims
    sizes, variables = fixed_variables(work.layout)
    for name in work.source.names:
        lead = work.lead(name)
        sizes |= {dim: dataset.dimensions[dim] for dim in lead}
        given = dataset[name].attributes
        attributes: dict[str, Any] = {key: str(given[key]) for key in ("long_name", "units") if key in given}
        variables.append(VariableSchema(name, variable_type(work, name), ("time", *lead, *cells), attributes))
    return FileSchema(sizes, ("time", work.chosen.size), tuple(variables), _attributes(work, notes))


def _attributes(work: Work, notes: list[str]) -> dict[str, Any]:
    request = work.request
    attributes: dict[str, Any] = {
        "title": f"Land-use time series of {request.domain.name}",
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__} craft landuse",
        "source_file": request.source.name,
        "domain_file": request.domain.name,
        "mapping": request.method,
        "distance_limit_km": work.mapper.mapper.limit_km,
        "first_year": "; ".join(notes),
    }
    if request.single:
        attributes["precision"] = (
            "plant and crop types are multiples of 2^-17 percent, exact in single precision, sums of exactly "
            "100; each is off by less than 7.63e-6 percent points"
        )
    given = work.source.dataset.attributes
    return attributes | {f"source_{key}": str(given[key]) for key in ("title", "comment") if key in given}
