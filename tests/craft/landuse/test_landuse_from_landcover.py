"""Land use from land cover of several years: even change, sums, the surface file, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import build_domain, grid_from_text, write_domain

GRID = grid_from_text("regular:200,204,8,60,63,6")
CELLS = 48


def product(path: Path, seed: int, unknown: tuple[int, ...] = (), scale: float = 1.0) -> np.ndarray:
    """A file as ``craft landcover`` makes it; its shares ``[type, cell]``."""
    shares = np.random.default_rng(seed).gamma(0.3, 1.0, (17, CELLS))
    shares *= 100.0 / shares.sum(axis=0)
    known = np.ones(CELLS, dtype=np.int32)
    known[list(unknown)] = 0
    kinds = {"gridID": "i4", "known": "i4", "PCT_NAT_PFT": "f8"}
    schema = FileSchema(
        {"gridcell": CELLS, "natpft": 17},
        None,
        tuple(
            VariableSchema(name, kind, ("natpft", "gridcell") if kind == "f8" else ("gridcell",))
            for name, kind in kinds.items()
        ),
    )
    ids = np.arange(CELLS, dtype=np.int32)
    write_dataset(path, schema, {"gridID": ids, "known": known, "PCT_NAT_PFT": shares * scale})
    return shares


def surface(path: Path, plants: np.ndarray) -> None:
    schema = FileSchema(
        {"natpft": 17, "gridcell": CELLS},
        None,
        (VariableSchema("PCT_NAT_PFT", "f8", ("natpft", "gridcell")),),
    )
    write_dataset(path, schema, {"PCT_NAT_PFT": plants})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_domain(tmp_path / "domain.nc", build_domain(GRID, np.arange(CELLS)))
    return tmp_path


def make(folder: Path, *words: str, years: tuple[int, ...] = (2000, 2004)) -> int:
    covers = [word for year in years for word in ("--landcover", f"{year}={folder / f'{year}.nc'}")]
    out = ["--domain", str(folder / "domain.nc"), "-o", str(folder / "out.nc")]
    return main(["-q", "craft", "landuse", *covers, *out, *words])


def plants(folder: Path) -> np.ndarray:
    with open_dataset(folder / "out.nc", verify=True) as dataset:
        assert dataset["YEAR"].read().tolist() == [2000, 2001, 2002, 2003, 2004]
        return dataset["PCT_NAT_PFT"].read()


def test_shares_change_evenly_between_the_years(folder: Path) -> None:
    first, last = product(folder / "2000.nc", 1), product(folder / "2004.nc", 2)
    assert make(folder) == 0
    found = plants(folder)
    for year, share in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
        np.testing.assert_allclose(found[year], first + (last - first) * share, atol=1e-12)
        assert (np.abs(ordered_sum(found[year] / 100.0) - 1.0) <= 1e-14).all()


def test_the_series_begins_with_the_surface_file_and_passes_the_checks(folder: Path) -> None:
    product(folder / "2000.nc", 1, unknown=(3,)), product(folder / "2004.nc", 2)
    given = product(folder / "given.nc", 3)
    surface(folder / "surf.nc", given)
    assert make(folder, "--surface", str(folder / "surf.nc")) == 0
    found = plants(folder)
    np.testing.assert_array_equal(found[0], given)
    np.testing.assert_array_equal(found[:, :, 3], np.repeat(given[None, :, 3], 5, axis=0))
    assert main(["-q", "craft", "check", "--landuse", str(folder / "out.nc")]) == 0


def test_single_precision_keeps_sums_of_exactly_100(folder: Path) -> None:
    product(folder / "2000.nc", 1), product(folder / "2004.nc", 2)
    assert make(folder, "--single") == 0
    assert plants(folder).dtype == np.float32
    assert (plants(folder).astype(np.float64).sum(axis=1) == 100.0).all()


@pytest.mark.parametrize("fault", ["unknown", "fractions", "one", "twice", "other", "years"])
def test_what_cannot_be_a_series_is_one_message(
    folder: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    product(folder / "2000.nc", 1, unknown=(3,) if fault == "unknown" else ())
    product(folder / "2004.nc", 2, scale=0.01 if fault == "fractions" else 1.0)
    if fault == "other":
        write_domain(folder / "domain.nc", build_domain(GRID, np.arange(1, CELLS)))
    years = {"one": (2000,), "twice": (2000, 2000)}.get(fault, (2000, 2004))
    assert make(folder, *(["--years", "2000:2001"] if fault == "years" else []), years=years) == 2
    assert capsys.readouterr().err.count("kiloland craft: ") == 1
    assert not (folder / "out.nc").exists()
