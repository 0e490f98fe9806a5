"""A day of soil, lake, wetland, land ice and towns in one run, beside ELM's, cut in two, and on two ranks.

Slow, since five steps are compiled (minutes; seconds once the cache has them):

    pytest -m slow tests/run/test_all_columns.py
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from run_cases import kiloland

from kiloland.files import Dataset, open_dataset
from kiloland.land.subgrid import ColumnType
from kiloland.run.driver import run_case
from kiloland.run.from_elm import case_from_namelists
from kiloland.run.restart import Restart, read_restart

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

RUN = "zoo/temperate/zjan"
FIELDS = (
    *("TSOI", "TLAKE", "LAKEICEFRAC", "TG", "TV", "TSA", "Q2M", "H2OSNO", "SNOW_DEPTH", "SOILLIQ", "SOILICE"),
    *("FSA", "FSR", "FSH", "FSH_G", "EFLX_LH_TOT", "FGR", "FIRA", "FIRE", "FSNO", "QSOIL", "QFLX_EVAP_TOT"),
    *("QRGWL", "QRUNOFF", "QOVER", "QDRAI", "QINFL", "TAUX", "FV", "RAM1", "ALBD", "ALBI", "BUILDHEAT"),
    *("URBAN_HEAT", "T10", "TKE1", "TWS", "ERRSEB", "ERRSOI", "SNO_T", "TREFMXAV"),
)
GRID_FIELDS = ("FSA", "FSH", "EFLX_LH_TOT", "FGR", "FIRA", "QRUNOFF", "QOVER", "QDRAI", "FSDS", "TBOT")
"""Means over cells that ELM's tape has, too."""
FILL = 1.0e35
DAY_OF_OTHERS = 1e-7
"""Largest relative difference of a day on columns that no growing plants stand on."""
FIRST_STEP = 1e-9
OTHERS = tuple(int(kind) for kind in ColumnType if kind is not ColumnType.SOIL)


def case_file(shared: Path, folder: Path, stop: str) -> Path:
    """A case of the four cells with tapes of every step: vectors, and means of cells."""
    zoo = shared / "data/elm" / RUN
    folders = [zoo.parent / "inputs", zoo.parent.parent / "inputs_shared"]
    restart = zoo / "r.step00.nc.gz"
    text = case_from_namelists(zoo / "lnd_in", None, folders, "0002-01-02", name="zoo", restart=restart)
    text = text.replace('stop = "0002-01-02-00000"', f'stop = "{stop}"')
    text = text[: text.index("[[history]]")] + '[restart]\nevery = "6 hours"\nkeep = 9\n'
    for fields, subgrid in ((FIELDS, "true"), (GRID_FIELDS, "false")):
        text += f"[[history]]\nfields = {json.dumps(fields)}\nevery = '1 steps'\nrecords_per_file = 48\n"
        text += f'precision = "double"\nsubgrid = {subgrid}\n'
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "zoo.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def day(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole day."""
    folder = tmp_path_factory.mktemp("zoo")
    result = run_case(case_file(shared, folder, "0002-01-02-00000"))
    assert (result.columns, result.cells) == (22, 4)
    assert result.balance["water"] < 1e-9
    assert result.balance["heat"] < 1e-7
    assert result.balance["surface"] < 1e-7
    assert result.balance["radiation"] < 0.01, "light between walls is followed as far as ELM does"
    return folder / "zoo"


def kinds_of_members(restart: Restart) -> dict[str, np.ndarray]:
    """Type of the column of every member that has weight, else 0."""
    values, found = restart.values, {}
    for level, prefix, kind in (("column", "cols1d", "ityp"), ("pft", "pfts1d", "itypcol")):
        used = (values[f"{prefix}_active"] == 1) & (values[f"{prefix}_wtxy"] > 0.0)
        found[level] = np.where(used, values[f"{prefix}_{kind}"], 0)
    return found


def pairs(
    ours: Dataset, theirs: Dataset, names: tuple[str, ...]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Fields that both have, ``[time, ..., member]``."""
    for name in names:
        if name in ours and name in theirs and ours[name].dims[-1] == theirs[name].dims[-1]:
            yield name, *(np.asarray(side[name].read(), np.float64) for side in (ours, theirs))


def gap(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference over the largest value, where both are values."""
    both = (np.abs(ours) < FILL) & (np.abs(theirs) < FILL)
    if not both.any():
        return 0.0
    return float(np.abs(ours - theirs)[both].max() / max(np.abs(theirs[both]).max(), 1e-12))


def test_every_step_of_lakes_ice_wetlands_and_towns_is_that_of_elm(shared: Path, day: Path) -> None:
    reference = shared / "data/elm" / RUN
    kinds = kinds_of_members(read_restart(reference / "r.step00.nc.gz"))
    compared = 0
    with (
        open_dataset(next(day.glob("*.h0.*.nc"))) as ours,
        open_dataset(reference / "h1.0002-01-01.nc.gz") as theirs,
    ):
        for name, mine, other in pairs(ours, theirs, FIELDS):
            if name.startswith("ERR") or ours[name].dims[-1] not in kinds:
                continue
            kind = kinds[ours[name].dims[-1]]
            for type_ in OTHERS:
                chosen = kind == type_
                assert gap(mine[..., chosen], other[..., chosen]) <= DAY_OF_OTHERS, (name, type_)
                compared += int((np.abs(mine[..., chosen]) < FILL).any())
            soil = kind == ColumnType.SOIL
            assert gap(mine[0][..., soil], other[0][..., soil]) <= FIRST_STEP, name
    assert compared > 150


def test_means_of_cells_take_all_columns_by_their_weight_and_area(shared: Path, day: Path) -> None:
    with (
        open_dataset(next(day.glob("*.h1.*.nc"))) as ours,
        open_dataset(shared / "data/elm" / RUN / "h0.0002-01-01.nc.gz") as theirs,
    ):
        found = list(pairs(ours, theirs, GRID_FIELDS))
        assert len(found) == len(GRID_FIELDS)
        for name, mine, other in found:
            np.testing.assert_allclose(mine[0], other[0], rtol=1e-9, atol=1e-15, err_msg=name)


@pytest.mark.parametrize(("steps", "label"), [(12, "0002-01-01-21600"), (48, "0002-01-02-00000")])
def test_the_restart_has_the_states_and_running_means_of_elm(
    shared: Path, day: Path, steps: int, label: str
) -> None:
    reference = shared / "data/elm" / RUN
    before, theirs = (read_restart(reference / f"r.step{number:02d}.nc.gz") for number in (0, steps))
    ours = read_restart(day / f"zoo.elm.r.{label}.nc")
    kinds, moved = kinds_of_members(before), 0
    for name in CHECKED:
        level = "pft" if len(theirs.values[name]) == theirs.dimensions["pft"] else "column"
        for type_ in OTHERS:
            chosen = kinds[level] == type_
            mine, other, was = (side.values[name][chosen] for side in (ours, theirs, before))
            assert gap(mine, other) <= DAY_OF_OTHERS, (name, type_)
            moved += int(not np.array_equal(other, was))
    assert moved > 60


CHECKED = (
    *(
        "T_SOISNO",
        "T_GRND",
        "H2OSOI_LIQ",
        "H2OSOI_ICE",
        "H2OSNO",
        "SNLSNO",
        "DZSNO",
        "T_LAKE",
        "LAKE_ICEFRAC",
    ),
    *("EFLX_LWRAD_OUT", "T_REF2M", "T_VEG", "albd", "albi", "WA", "URBAN_HEAT"),
    *("T10_VALUE", "T_VEG24_VALUE", "FSD24_VALUE", "FSI240_VALUE", "PREC10_VALUE", "LAI240_VALUE"),
    *("TREFAV_VALUE", "T_REF2M_MIN", "T_REF2M_MAX", "T_REF2M_MIN_INST", "TREFAV_U_VALUE", "T_REF2M_MAX_U"),
    *("BTRANAVG_VALUE", "BTRAN_MIN"),
)


def test_a_run_cut_at_awkward_dates_leaves_the_same_bytes(shared: Path, day: Path, tmp_path: Path) -> None:
    run_case(case_file(shared, tmp_path, "0002-01-01-09000"))
    run_case(case_file(shared, tmp_path, "0002-01-01-55800"), resume=True)
    run_case(case_file(shared, tmp_path, "0002-01-02-00000"), resume=True)
    assert_same(day, tmp_path / "zoo")


@pytest.mark.mpi
def test_two_ranks_leave_the_same_bytes(shared: Path, day: Path, tmp_path: Path) -> None:
    case = case_file(shared, tmp_path, "0002-01-02-00000")
    done = kiloland("run", case, ranks=2, timeout=3600.0)
    assert done.returncode == 0, done.stderr
    assert_same(day, tmp_path / "zoo")


def assert_same(whole: Path, other: Path) -> None:
    """The history, the last restart and the balances are the same, byte for byte."""
    names = [path.name for path in whole.glob("zoo.elm.h?.*.nc")]
    names += ["zoo.elm.r.0002-01-02-00000.nc", "zoo.elm.rh0.0002-01-02-00000.nc", "zoo.balance.json"]
    assert len(names) == 5
    for name in names:
        assert (whole / name).read_bytes() == (other / name).read_bytes(), name
    shutil.rmtree(other)
