"""Synthetic tables of snow: read as real ones are, and of their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.craft.synthetic_snow import ageing_tables, optics_tables, write_snow_tables
from kiloland.files import open_dataset
from kiloland.run.snow_tables import read_grain_tables, read_snow_optics


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snow")
    write_snow_tables(path)
    return path


def test_the_run_reads_them(folder: Path) -> None:
    optics = read_snow_optics(folder / "snow_optics_synthetic.nc")
    grains = read_grain_tables(folder / "snow_ageing_synthetic.nc")
    assert (np.asarray(optics.direct.single_scattering) > 0.5).all()
    assert (np.diff(np.asarray(optics.direct.extinction), axis=1) < 0.0).all(), "large grains scatter less"
    assert (np.diff(np.asarray(grains.initial_rate), axis=0) > 0.0).all(), "warm snow ages faster"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 600_000
    for path in folder.iterdir():
        with open_dataset(path) as dataset:
            assert "Synthetic" in str(dataset.attributes["title"])


@pytest.mark.oracle
def test_they_are_near_the_tables_of_the_real_model(shared: Path) -> None:
    inputs = shared / "data/elm/inputs"
    with open_dataset(inputs / "snicar_optics_5bnd_mamstandin.nc.gz") as real:
        for beam in ("drc", "dfs"):
            tables = optics_tables()
            lost = 1.0 - np.asarray(real[f"ss_alb_ice_{beam}"].read())
            ratio = (1.0 - tables[f"ss_alb_ice_{beam}"][2]) / lost
            assert 0.5 < ratio.min() <= ratio.max() < 2.0
            scattered = tables[f"ext_cff_mss_ice_{beam}"][2] / np.asarray(
                real[f"ext_cff_mss_ice_{beam}"].read()
            )
            assert 0.9 < scattered.min() <= scattered.max() < 1.1
    with open_dataset(inputs / "snicar_drdt_bst_fit_60_c070416.nc.gz") as real:
        rate = ageing_tables()["drdsdt0"][2] / np.asarray(real["drdsdt0"].read())
        assert 0.3 < np.median(rate) < 3.0
