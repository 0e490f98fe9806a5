"""The case file: defaults, paths, what decides the results, and what history is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from run_cases import case_table, case_text

from kiloland.errors import InputError
from kiloland.grid.partition import Partition
from kiloland.run.case import AtmosphereKind, Case, LeafArea, Precision, SurfaceFlux, read_case
from kiloland.run.clock import parse_date


def case_of(folder: Path, **changes: Any) -> Case:
    """A case with some keys changed; the input files need not be there."""
    table = case_table(Path("/inputs"), Path("/runs/t"))
    for place, value in changes.items():
        name, _, key = place.partition("__")
        if key:
            table.setdefault(name, {})[key] = value
        else:
            table[name] = value
    file = folder / "case.toml"
    file.write_text(case_text(table))
    return read_case(file)


def test_what_is_left_out_has_the_documented_default(tmp_path: Path) -> None:
    case = case_of(tmp_path, compute={}, restart={}, history=[{"fields": ["TG"]}])
    assert (case.case.step_seconds, case.case.orbital_year) == (1800, 1990)
    assert case.case.surface_flux is SurfaceFlux.BARE_GROUND
    assert case.input.restart is None
    assert case.input.leaf_area is LeafArea.SURFACE
    assert case.atmosphere.kind is AtmosphereKind.STREAMS
    assert (case.ranks.partition, case.ranks.segments) == (Partition.ROUND_ROBIN, 20)
    assert (case.compute.columns_per_block, case.compute.steps_per_chunk) == (1024, 48)
    assert (case.restart.every, case.restart.keep) == ("1 year", 2)
    tape = case.history[0]
    assert (tape.every, tape.records_per_file, tape.subgrid) == ("1 month", 1, False)
    assert tape.precision is Precision.SINGLE
    assert (case.start, case.stop) == (parse_date("0001-07-01"), parse_date("0001-07-04"))


def test_a_case_without_history_is_a_case(tmp_path: Path) -> None:
    assert case_of(tmp_path, history=[]).history == ()


def test_relative_paths_are_taken_from_the_folder_of_the_case(tmp_path: Path) -> None:
    case = case_of(tmp_path, input__domain="grid/domain.nc", case__directory="run")
    assert case.input.domain == tmp_path / "grid/domain.nc"
    assert case.case.directory == tmp_path / "run"


def test_a_field_takes_its_averaging_from_itself_the_tape_or_the_registry(tmp_path: Path) -> None:
    tapes = [
        {"fields": ["TSOI", "TG:maximum"]},
        {"fields": ["TSOI", "TG:maximum"], "averaging": "instantaneous"},
    ]
    case = case_of(tmp_path, history=tapes)
    assert [v.averaging for v in case.history[0].variables()] == ["mean", "maximum"]
    assert [v.averaging for v in case.history[1].variables()] == ["instantaneous", "maximum"]


FREE = [
    {"case__stop": "0002-07-01"},
    {"case__directory": "/elsewhere"},
    {"input__domain": "/moved/domain.nc"},
    {"ranks__partition": "block"},
    {"compute__columns_per_block": 128},
    {"compute__steps_per_chunk": 5},
    {"restart__every": "3 days"},
    {"restart__keep": 7},
    {"case__start": "0001-07-01-00000"},
]
DECISIVE = [
    {"case__name": "u"},
    {"case__start": "0001-07-02"},
    {"case__step_seconds": 3600},
    {"case__orbital_year": 2000},
    {"input__leaf_area": "initial"},
    {"atmosphere__kind": "site"},
    {"atmosphere__prefix": "other"},
    {"atmosphere__year_last": 2},
    {"atmosphere__year_align": 4},
    {"atmosphere__conserve_shortwave": True},
    {"atmosphere__fill": True},
    {"history": [{"fields": ["TG"]}]},
    {"history": []},
]


def changed_key(value: object) -> str:
    return next(iter(value)) if isinstance(value, dict) else str(value)


@pytest.mark.parametrize("change", FREE, ids=changed_key)
def test_what_decides_no_result_may_change_on_resume(tmp_path: Path, change: dict[str, Any]) -> None:
    assert case_of(tmp_path).identity() == case_of(tmp_path, **change).identity()


@pytest.mark.parametrize("change", DECISIVE, ids=changed_key)
def test_what_decides_results_makes_another_case(tmp_path: Path, change: dict[str, Any]) -> None:
    assert case_of(tmp_path).identity() != case_of(tmp_path, **change).identity()


@pytest.mark.parametrize("key", ["fields", "every", "averaging", "records_per_file", "subgrid", "precision"])
def test_every_key_of_a_tape_decides_results(tmp_path: Path, key: str) -> None:
    plain: dict[str, Any] = {
        "fields": ["TG"],
        "every": "1 day",
        "averaging": "mean",
        "records_per_file": 1,
        "subgrid": False,
        "precision": "single",
    }
    other = {
        "fields": ["FSA"],
        "every": "2 days",
        "averaging": "maximum",
        "records_per_file": 2,
        "subgrid": True,
        "precision": "double",
    }
    first = case_of(tmp_path, history=[plain])
    second = case_of(tmp_path, history=[{**plain, key: other[key]}])
    assert first.identity() != second.identity()


def test_an_unknown_field_is_told_with_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"case.toml: TSOIL: history\[0\].fields.*did you mean.*TSOI"):
        case_of(tmp_path, history=[{"fields": ["TSOIL"]}])
