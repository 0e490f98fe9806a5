"""A run of all of water and energy: it restarts exactly, its budgets close, and it needs its tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.run.case import read_case
from kiloland.run.driver import run_case
from kiloland.run.from_elm import case_from_namelists

RUN, START = "q5w_4cells_winter_steps", "r.start.0008-01-01.nc.gz"
FIELDS = '["TSOI", "TV", "FSH", "EFLX_LH_TOT", "QRUNOFF", "H2OSNO", "FPSN", "ERRSEB"]'


def winter_case(shared: Path, folder: Path, stop: str) -> Path:
    """A case file of the four cells in winter, with a tape of every step."""
    elm = shared / "data/elm"
    text = case_from_namelists(
        elm / RUN / "lnd_in",
        None,
        [elm / "inputs"],
        "0008-01-02",
        name="winter",
        restart=elm / RUN / START,
    )
    text = text.replace('stop = "0008-01-02-00000"', f'stop = "{stop}"')
    text = text[: text.index("[[history]]")]
    text += f'[restart]\nevery = "6 hours"\n[[history]]\nfields = {FIELDS}\nevery = "1 steps"\n'
    text += 'records_per_file = 12\nprecision = "double"\nsubgrid = true\n'
    folder.mkdir(exist_ok=True)
    path = folder / "winter.toml"
    path.write_text(text)
    return path


@pytest.mark.oracle
def test_a_run_restarts_exactly_and_all_budgets_close(shared: Path, tmp_path: Path) -> None:
    whole = run_case(winter_case(shared, tmp_path / "whole", "0008-01-01-43200"))
    run_case(winter_case(shared, tmp_path / "parts", "0008-01-01-21600"))
    run_case(winter_case(shared, tmp_path / "parts", "0008-01-01-43200"), resume=True)
    names = sorted(path.name for path in whole.directory.glob("winter.elm.*.nc"))
    assert any(".h0." in name for name in names)
    for name in names:
        first, second = (tmp_path / folder / "winter" / name for folder in ("whole", "parts"))
        assert first.read_bytes() == second.read_bytes(), name
    assert whole.balance["water"] < 1e-9
    assert whole.balance["heat"] < 1e-7
    summary = json.loads((whole.directory / "winter.balance.json").read_text())
    assert summary["water"]["entered"] > 0.0
    history = next(path for path in whole.history if ".h0." in path.name)
    with open_dataset(history) as tape:
        error = np.asarray(tape["ERRSEB"].read())
        assert np.abs(error[np.abs(error) < 1e30]).max() < 1e-8
        assert np.nanmax(np.abs(tape["FSH"].read()[np.abs(tape["FSH"].read()) < 1e30])) > 1.0


def test_all_processes_need_their_tables(tmp_path: Path) -> None:
    text = (
        '[case]\nname = "x"\ndirectory = "x"\nstart = "0001-01-01"\nstop = "0001-01-02"\n'
        'surface_flux = "full"\n[input]\ndomain = "d"\nsurface = "s"\nparameters = "p"\n'
        '[atmosphere]\nkind = "elm-site"\npath = "m"\n'
    )
    (tmp_path / "case.toml").write_text(text)
    with pytest.raises(InputError, match=r"input\.snow_optics"):
        read_case(tmp_path / "case.toml")
