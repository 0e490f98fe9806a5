"""Which kind a file is, seen from its names, dimensions, types and first characters alone."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiloland.atmosphere.fields import FIELDS
from kiloland.atmosphere.record import TIME_NAMES
from kiloland.craft.forcing.daymet import VARIABLES as DAILY
from kiloland.craft.forcing.locate import source_axes
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.files.raster import RasterFile, open_raster

RASTERS: Final = (".tif", ".tiff")
TEXTS: Final = (".csv", ".csv.gz", ".txt", ".txt.gz")
VIRTUAL: Final = ".json"
START: Final = 2000
"""Characters of a text that tell its kind."""


@dataclass(frozen=True)
class Opened:
    """A file as the recognisers see it: a dataset, a raster, or neither (text)."""

    path: Path
    dataset: Dataset | None = None
    raster: RasterFile | None = None

    def has(self, *names: str) -> bool:
        """Whether it is a dataset with all these variables."""
        return self.dataset is not None and all(name in self.dataset for name in names)


@contextmanager
def opened_file(path: Path) -> Iterator[Opened]:
    """The file as a dataset, a raster or text, by its name's end; all else is tried as a dataset."""
    with ExitStack() as stack:
        if path.name.lower().endswith(TEXTS) or path.suffix == VIRTUAL:
            yield Opened(path)
        elif path.suffix.lower() in RASTERS:
            yield Opened(path, raster=stack.enter_context(open_raster(path)))
        else:
            yield Opened(path, dataset=stack.enter_context(open_dataset(path)))


def over(opened: Opened, names: Any, *dims: str) -> str | None:
    """The first of these variables that ends in these dimensions."""
    if opened.dataset is None:
        return None
    variables = (opened.dataset[name] for name in names if name in opened.dataset)
    return next((one.name for one in variables if one.dims[-len(dims) :] == dims), None)


def is_daymet(opened: Opened) -> bool:
    return over(opened, DAILY, "time", "y", "x") is not None


def is_maps(opened: Opened) -> bool:
    return over(opened, FIELDS, "time", "y", "x") is not None


def is_stream(opened: Opened) -> bool:
    lists = (("nj", "ni"), ("n",), ("gridcell",), ("lndgrid",))
    return opened.has("time") and any(over(opened, FIELDS, "time", *dims) for dims in lists)


def is_reanalysis(opened: Opened) -> bool:
    if opened.dataset is None or "time" not in opened.dataset:
        return False
    variables = (opened.dataset[name] for name in FIELDS if name in opened.dataset)
    return any(len(one.shape) == 3 and source_axes(opened.dataset, one) is not None for one in variables)


def is_site(opened: Opened) -> bool:
    if opened.dataset is None:
        return header_has(opened.path, "air") or header_has(opened.path, "tbot")
    some = sum(name in opened.dataset for name in FIELDS)
    return some >= 3 and any(name in opened.dataset for name in TIME_NAMES)


def is_land_use(opened: Opened) -> bool:
    return over(opened, ("PCT_NAT_PFT",), "lsmlat", "lsmlon") is not None and has_years(opened)


def has_years(opened: Opened) -> bool:
    dataset = opened.dataset
    return dataset is not None and dataset["PCT_NAT_PFT"].dims[0] == "time"


def is_surface(opened: Opened) -> bool:
    return opened.has("PCT_NAT_PFT") or opened.has("PCT_SAND", "PCT_CLAY")


def is_domain(opened: Opened) -> bool:
    return opened.has("xc", "yc", "area")


def is_classes(opened: Opened) -> bool:
    raster = opened.raster
    return raster is not None and raster.bands[0].dtype.kind in "ub" and raster.bands[0].dtype.itemsize <= 2


def is_numbers(opened: Opened) -> bool:
    return opened.raster is not None


def is_virtual(opened: Opened) -> bool:
    return opened.path.suffix == VIRTUAL


def is_mask_text(opened: Opened) -> bool:
    return is_text(opened) and set(start_of(opened.path).replace("\n", "").replace(" ", "")) <= set("01,")


def is_points(opened: Opened) -> bool:
    return is_text(opened) and "," in header_of(opened.path)


def is_text(opened: Opened) -> bool:
    return opened.path.name.lower().endswith(TEXTS)


def header_has(path: Path, word: str) -> bool:
    return path.name.lower().endswith(TEXTS) and word in header_of(path).lower()


def header_of(path: Path) -> str:
    """The first line that is no remark."""
    return next((line for line in start_of(path).split("\n") if not line.lstrip().startswith("#")), "")


def start_of(path: Path) -> str:
    """The first characters of a text file, gzipped or not."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return bytes(stream.read(START)).decode("utf-8", "replace")
    except (OSError, EOFError) as error:
        raise InputError("cannot be read", file=path, found=error) from error
