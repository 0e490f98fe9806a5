"""A cold start from the surface file alone, beside what ELM writes at its step 0.

ELM makes a step before its first: record 0 of its tapes is that step, labelled with the start. Its state
therefore shows the cold start, and its fluxes what the first step makes of it.

Slow, since the step of every kind of column is compiled:

    pytest -m slow tests/run/test_cold_start.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kiloland.files import Dataset, open_dataset
from kiloland.land.subgrid import ColumnType
from kiloland.run.driver import run_case
from kiloland.run.from_elm import case_from_namelists
from kiloland.run.restart import Restart, read_restart

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

FIELDS = (
    *("TSOI", "TG", "TV", "TSA", "H2OSNO", "SNOW_DEPTH", "H2OSOI", "SOILLIQ", "SOILICE", "ZWT", "WA", "TWS"),
    *("TLAKE", "LAKEICEFRAC", "FSH", "EFLX_LH_TOT", "FIRE", "FIRA", "FSA", "FGR", "QSOIL", "QOVER", "QDRAI"),
    *("QINFL", "QRGWL", "FSNO", "H2OCAN", "H2OSFC", "TH2OSFC", "TBOT"),
)
CASES = {
    # run: tape whose first record is step 0, folders of inputs, relative difference allowed
    "a5_cold5day_perstep": ("h1.nc.gz", ("inputs",), 1e-9),
    "zoo/temperate/zyear": ("h1.0001-01-01.nc.gz", ("zoo/temperate/inputs", "zoo/inputs_shared"), 2e-7),
    "zoo/tundra/zyear": ("h1.0001-01-01.nc.gz", ("zoo/tundra/inputs", "zoo/inputs_shared"), 2e-7),
    "zoo/tropics_wet/zyear": ("h1.0001-01-01.nc.gz", ("zoo/tropics_wet/inputs", "zoo/inputs_shared"), 2e-7),
}
"""Tapes of the zoo are in single precision."""
MISSES = {
    ("zoo/temperate/zyear", int(ColumnType.SOIL)),
    ("zoo/temperate/zyear", int(ColumnType.LAKE)),
    ("zoo/tundra/zyear", int(ColumnType.LAKE)),
}
"""One soil column is 1.6 W m-2 of latent heat and 0.06 K off, lakes 4e-4 W m-2 and 0.03 K; open."""
FILL = 1e30
MEMBERS = {"column": ("cols1d", "cols1d_ityp"), "pft": ("pfts1d", "pfts1d_itypcol")}


def first_step(shared: Path, folder: Path, run: str) -> Path:
    """Directory of our run of one step from a cold start."""
    elm = shared / "data/elm"
    folders = [elm / name for name in CASES[run][1]]
    text = case_from_namelists(
        elm / run / "lnd_in", None, folders, "0001-01-02", name="cold", start="0001-01-01"
    )
    text = text.replace('stop = "0001-01-02-00000"', 'stop = "0001-01-01-01800"')
    text = text.replace('leaf_area = "surface"', 'leaf_area = "initial"')
    text = text[: text.index("[[history]]")]
    text += f"[[history]]\nfields = {json.dumps(FIELDS)}\nevery = '1 steps'\n"
    text += 'precision = "double"\nsubgrid = true\n'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cold.toml").write_text(text)
    return run_case(folder / "cold.toml").directory


def fields(
    ours: Dataset, theirs: Dataset, restart: Restart
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Fields of both by kind of column, where both have a value: name, kind, ours, theirs."""
    for name in FIELDS:
        if name not in theirs or ours[name].dims != theirs[name].dims or ours[name].dims[-1] not in MEMBERS:
            continue
        prefix, kind = MEMBERS[ours[name].dims[-1]]
        used = (theirs[f"{prefix}_active"].read() == 1) & (theirs[f"{prefix}_wtgcell"].read() > 0.0)
        mine, other = (np.asarray(side[name].read(0), np.float64) for side in (ours, theirs))
        other = other[..., used]
        assert mine.shape == other.shape, name
        for type_ in ColumnType:
            chosen = restart.values[kind] == type_
            a, b = mine[..., chosen], other[..., chosen]
            both = (np.abs(a) < FILL) & (np.abs(b) < FILL)
            if both.any():
                yield name, int(type_), a[both], b[both]


@pytest.mark.parametrize("run", CASES)
def test_the_first_step_of_a_cold_start_is_that_of_elm(shared: Path, tmp_path: Path, run: str) -> None:
    directory = first_step(shared, tmp_path, run)
    restart = read_restart(next(directory.glob("cold.elm.r.*.nc")))
    tape, _, bar = CASES[run]
    worst: dict[tuple[str, int], float] = {}
    with (
        open_dataset(next(directory.glob("cold.elm.h0.*.nc"))) as ours,
        open_dataset(shared / "data/elm" / run / tape) as theirs,
    ):
        assert theirs["nstep"].read(0) == 0
        for name, kind, mine, other in fields(ours, theirs, restart):
            scale = max(float(np.abs(other).max()), 1e-12)
            worst[name, kind] = float(np.abs(mine - other).max()) / scale
    assert len(worst) > 20
    beyond = {key: gap for key, gap in worst.items() if gap > bar and (run, key[1]) not in MISSES}
    assert not beyond, beyond
