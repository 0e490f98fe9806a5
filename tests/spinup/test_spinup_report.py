"""The page of a spinup shows pools against the truth, and what is missing is an error with a place."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.files import open_dataset
from kiloland.report.spinup_drift import read_drift
from kiloland.report.spinup_page import write_spinup_page
from kiloland.report.spinup_values import ReportRequest, read_states
from kiloland.spinup.benchmark.restarts import natural_pools
from kiloland.spinup.pools import PoolSet, write_pools
from kiloland.spinup.subgrid import restart_subgrid

SHARED = Path(os.environ.get("KILOLAND_SHARED", Path(__file__).resolve().parents[3] / "shared"))
ZOO = SHARED / "data/elm/zoo/temperate"
SHORT, TRUTH = ZOO / "ad/r.0061-01-01.nc.gz", ZOO / "final/r.0101-01-01.nc.gz"
NAMES = ("deadstemc", "deadcrootc", "tlai", "cwdc_vr", "soil1c_vr", "soil2c_vr", "soil3c_vr", "soil4c_vr")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not SHORT.is_file(), reason="the reference data are not here (KILOLAND_SHARED)"),
]


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pools that are the true ones with five per cent more."""
    path = tmp_path_factory.mktemp("pools") / "pools.nc"
    with open_dataset(TRUTH) as dataset:
        subgrid = restart_subgrid(dataset)
        values = natural_pools(dataset, subgrid, NAMES, None)
    columns = subgrid.keys.columns
    notes = {
        "method_used": np.arange(columns, dtype=np.int32) % 3,
        "uncertainty": np.linspace(0.01, 0.1, columns),
        "out_of_distribution": np.linspace(0.1, 1.5, columns),
    }
    better = {name: 1.05 * array for name, array in values.items()}
    write_pools(path, PoolSet(subgrid.keys, better, notes, {"method": "made for a test"}))
    return path


def test_states_are_in_natural_scale_and_matched_by_key(pools: Path) -> None:
    states = read_states(ReportRequest(pools, SHORT, TRUTH))
    assert states.truth is not None
    for name in NAMES:
        np.testing.assert_allclose(states.predicted[name], 1.05 * states.truth[name], rtol=1e-12)
    # Accelerated dead wood is a tenth of the natural one on file.
    with open_dataset(SHORT) as dataset:
        stored = np.nan_to_num(dataset["deadstemc"].values())
    assert states.before["deadstemc"].max() == pytest.approx(10.0 * stored[stored < 1e30].max(), rel=0.2)


def test_the_page_holds_maps_scatters_profile_and_tables(pools: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.json"
    bars = [{"name": "a bar", "target": "1", "found": "2", "met": False}]
    exhibit = {"title": "Years to equilibrium", "text": "", "headings": ["case", "years"], "rows": [["x", 1]]}
    evidence.write_text(json.dumps({"bars": bars, "exhibits": [exhibit]}))
    history = sorted((ZOO / "final").glob("h0.*.nc.gz"))[-2:]
    request = ReportRequest(pools, SHORT, TRUTH, continued=tuple(history), evidence=evidence)
    text = write_spinup_page(tmp_path / "page", request).read_text()
    pictures = re.findall(r'alt="([^"]*)" src="data:image/png;base64,([^"]*)"', text)
    captions = [caption for caption, _ in pictures]
    assert all(base64.b64decode(content).startswith(b"\x89PNG") for _, content in pictures)
    for part in ("soil4c_vr, predicted", "soil4c_vr, true", "soil4c_vr, predicted minus true"):
        assert any(caption.startswith(part) for caption in captions), part
    for part in ("Predicted against true", "Mean profile", "Drift of TOTECOSYSC", "Uncertainty", "Distance"):
        assert any(caption.startswith(part) for caption in captions), part
    for title in ("Pools, mean over the land", "By plant type", "by layer", "Years to equilibrium", "Bars"):
        assert title in text, title
    assert "5.00 %" in text
    assert "missed" in text


def test_without_a_truth_the_page_compares_with_the_short_run(pools: Path, tmp_path: Path) -> None:
    text = write_spinup_page(tmp_path / "page", ReportRequest(pools, SHORT)).read_text()
    assert "predicted minus short run" in text
    assert "no truth was given" in text


def test_the_drift_is_the_slope_over_the_history() -> None:
    history = tuple(sorted((ZOO / "final").glob("h0.*.nc.gz"))[-2:])
    drift = read_drift(history)
    assert 30.0 < drift.years < 41.0
    assert np.isfinite(drift.change).sum() >= 2
    assert 0.0 <= drift.below_limit <= 1.0


def test_files_of_other_columns_are_refused_and_nothing_is_written(pools: Path, tmp_path: Path) -> None:
    other = SHARED / "data/elm/final_spinup"
    found = sorted(other.glob("r*.nc*"))
    assert found, f"no restart in {other}"
    with pytest.raises(InputError, match="lacks a"):
        read_states(ReportRequest(pools, found[0]))
    code = main(
        ["spinup", "report", "--pools", str(pools), "--restart", str(found[0]), "-o", str(tmp_path / "page")]
    )
    assert code == ExitCode.BAD_INPUT
    assert not (tmp_path / "page").exists()
