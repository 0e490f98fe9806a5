"""The quickstart: one command from nothing to a page of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.cli.main import main
from kiloland.errors import ExitCode
from kiloland.files import open_dataset

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("start") / "first"
    words = ["-q", "quickstart", "--cells", "6", "--days", "2", "--bare-ground", "-o", str(output)]
    assert main(words) == ExitCode.OK
    return output


@pytest.mark.slow
def test_all_processes_run_from_a_cold_start(tmp_path: Path) -> None:
    """pytest -m slow tests/report/test_quickstart.py: compiles the whole step, a few minutes once."""
    output = tmp_path / "all"
    assert main(["-q", "quickstart", "--cells", "6", "--days", "2", "-o", str(output)]) == ExitCode.OK
    page = (output / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 10
    with open_dataset(output / "run/synthetic.elm.h0.0001-07-01-00000.nc") as dataset:
        latent, moisture, leaves = (dataset[name].values() for name in ("EFLX_LH_TOT", "H2OSOI", "TV"))
        assert (dataset["H2OSNO"].values() == 0.0).all()
    assert 5.0 < latent.mean() < 150.0
    assert 0.0 < moisture[:, :10].min() <= moisture[:, :10].max() < 0.8
    assert 260.0 < leaves.min() <= leaves.max() < 305.0


def test_the_page_holds_pictures_facts_and_balances(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 7
    for words in ("Synthetic", "6, with 6 columns", "96 of 1800 s", "radiation", "RUN_LOOP"):
        assert words in page, words
    assert all(path.read_bytes().startswith(PNG) for path in (folder / "pictures").glob("*.png"))


def test_history_restart_and_timing_are_where_the_documentation_says(folder: Path) -> None:
    for name in ("synthetic.elm.h0.0001-07-01-00000.nc", "synthetic.elm.h1.0001-07-01-00000.nc"):
        with open_dataset(folder / "run" / name) as dataset:
            assert dataset["TSOI"].shape[:2] == (2, 15)
    assert (folder / "run" / "rpointer.lnd").is_file()
    assert (folder / "run" / "synthetic.balance.json").is_file()
    assert (folder / "run" / "timing" / "model_timing.0000").is_file()


def test_the_synthetic_run_is_physical(folder: Path) -> None:
    with open_dataset(folder / "run" / "synthetic.elm.h0.0001-07-01-00000.nc") as dataset:
        soil, air = dataset["TSOI"].values(), dataset["TBOT"].values()
        absorbed, reflected, incoming = (dataset[name].values() for name in ("FSA", "FSR", "FSDS"))
    assert soil.min() > 255.0
    assert soil.max() < 305.0
    assert abs(soil[:, 0].mean() - air.mean()) < 8.0
    assert absorbed + reflected == pytest.approx(incoming, rel=1e-5)
    assert (reflected / incoming).max() < 0.35


def test_a_folder_with_files_is_not_touched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.rglob("*"))
    assert main(["quickstart", "-o", str(folder)]) == ExitCode.BAD_INPUT
    assert "not empty" in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before


def test_missing_reference_data_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "real"
    assert main(["quickstart", "--real", "--shared", str(tmp_path), "-o", str(output)]) == ExitCode.BAD_INPUT
    assert "Daymet_NA_landmask.csv.gz" in capsys.readouterr().err
    assert not output.exists()
