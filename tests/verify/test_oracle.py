"""The oracle: what is compared, what is skipped with which reason, and when it says no."""

from __future__ import annotations

import dataclasses
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.files import write_dataset
from kiloland.run.restart import read_restart, restart_schema
from kiloland.verify.oracle import (
    PROCESSES,
    Bar,
    Outcome,
    Row,
    Verdict,
    chosen_processes,
    read_material,
    run_oracle,
    to_json,
    to_markdown,
    to_table,
)
from kiloland.verify.oracle.rows import Measure

STEPS, TAPE = "steps", "perstep"
RESTARTS = ("r0.nc.gz", "r1.nc.gz", "r2.nc.gz")
SOURCES = (
    "spr.elm.r.0016-07-01-00000.nc.gz",
    "sprs6r.elm.r.0016-07-01-01800.nc.gz",
    "sprs6r.elm.r.0016-07-01-03600.nc.gz",
)
BY_ITSELF = (
    *("restart rewrite", "zenith", "albedo", "shortwave", "temperature one step"),
    *("temperature consecutive", "temperature total flux", "temperature split", "bare ground", "soil water"),
)
"""Processes that a few summer steps of one cell can show."""
ELSEWHERE = (
    *("forcing", "streams", "running means", "active layer", "balances", "diagnostics"),
    *("canopy water", "ground cover", "water stress", "photosynthesis", "canopy fluxes", "bare patches"),
    *("snow albedo", "snow on soil", "dry snow"),
    *("full step", "full step consecutive", "full days", "full year", "snowmelt", "gradients"),
    *("lake fluxes", "lake temperature", "lake step", "lakes carried on"),
    *("urban albedo", "urban fluxes", "urban step", "urban days"),
    *("ice and wetland step", "ice and wetland carried on"),
)
"""Processes that need other material, or minutes; their own tests show them."""
BY_TEMPERATURE = ("temperature one step", "temperature consecutive")


def entry(name: str, **changes: Any) -> dict[str, Any]:
    """An entry of the list of runs."""
    case = {"dtime": 1800, "inputs": ["inputs"], "namelist": "lnd_in", "surface": "surfdata.nc"}
    offer: dict[str, Any] = {"forcing": "met", "restarts": [], "one_step_pairs": [], "tapes": []}
    return {"id": name, **case, **offer, **changes}


@pytest.fixture
def material(shared: Path, tmp_path: Path) -> Path:
    """Three restarts in one run, the tape of their steps in another, no inputs."""
    elm = shared / "data/elm"
    for name, source in ((STEPS, "s6_summer_restart_each_step"), (TAPE, "s5_summer5day_perstep")):
        (tmp_path / name).mkdir()
        for file in ("lnd_in", "drv_in"):
            shutil.copy(elm / source / file, tmp_path / name / file)
    for name, source in zip(RESTARTS, SOURCES, strict=True):
        shutil.copy(elm / "s6_summer_restart_each_step" / source, tmp_path / STEPS / name)
    (tmp_path / TAPE / "h1.nc.gz").symlink_to(elm / "s5_summer5day_perstep/h1.nc.gz")
    dates = [{"file": name, "ymd": 160701, "tod": 1800 * n} for n, name in enumerate(RESTARTS)]
    pairs = [list(RESTARTS[:2]), list(RESTARTS[1:])]
    tape = {"file": "h1.nc.gz", "records": 240, "fields": 1442, "dtype": "float64", "subgrid": True}
    runs = [entry(STEPS, restarts=dates, one_step_pairs=pairs), entry(TAPE, tapes=[tape])]
    (tmp_path / "oracle.json").write_text(json.dumps({"about": "a few steps", "runs": runs}))
    return tmp_path


def outcome_of(folder: Path, fallback: Path | None, *processes: str, run: str = STEPS) -> Outcome:
    """The oracle on one run of a folder."""
    read = read_material(folder, fallback)
    chosen = [item for item in read.runs if item.id == run]
    return run_oracle(read, chosen, chosen_processes(processes))


def rows_of(outcome: Outcome, process: str, verdict: Verdict) -> list[Row]:
    return [row for row in outcome.rows if row.process == process and row.verdict is verdict]


def perturb(path: Path, name: str, change: Callable[[np.ndarray], None]) -> None:
    """Change one variable of a restart on disk."""
    restart = read_restart(path)
    values = {key: value.copy() for key, value in restart.values.items()}
    change(values[name])
    path.unlink()
    write_dataset(path, restart_schema(dataclasses.replace(restart, values=values)), values)


@pytest.mark.oracle
def test_intact_steps_meet_every_bar_with_a_tape_of_another_run(shared: Path, material: Path) -> None:
    outcome = outcome_of(material, shared / "data/elm", *BY_ITSELF, "forcing")
    assert outcome.exit_code is ExitCode.OK, to_table(outcome)
    passed = {row.process for row in outcome.rows if row.verdict is Verdict.PASS}
    assert passed == set(BY_ITSELF)
    assert {process.name for process in PROCESSES} == {*BY_ITSELF, *ELSEWHERE}, "a process without a test"
    layers = next(row for row in outcome.rows if row.process == BY_TEMPERATURE[0])
    assert (layers.variable, layers.pairs) == ("T_SOISNO", 30)
    assert "no per-step tape" in rows_of(outcome, "forcing", Verdict.SKIPPED)[0].reason
    assert not [row for row in outcome.rows if "unexpected" in row.reason]


@pytest.mark.oracle
def test_a_changed_temperature_misses_the_bar_and_is_named(
    shared: Path, material: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warmer(values: np.ndarray) -> None:
        values[0, 12] += 1e-6

    perturb(material / STEPS / RESTARTS[2], "T_SOISNO", warmer)
    monkeypatch.setenv("KILOLAND_SHARED", str(shared))
    arguments = ["--process", BY_TEMPERATURE[0], "--run", STEPS, "--json", str(material / "result.json")]
    assert main(["-q", "oracle", str(material), *arguments]) == ExitCode.FINDINGS
    assert f"MISSED {STEPS}, {BY_TEMPERATURE[0]}, T_SOISNO" in capsys.readouterr().out
    document = json.loads((material / "result.json").read_text())
    failed = [row for row in document["rows"] if row["verdict"] == "fail"]
    assert [row["variable"] for row in failed] == ["T_SOISNO"]
    assert failed[0]["largest_absolute"] == pytest.approx(1e-6, rel=1e-3)
    assert (failed[0]["bar"], failed[0]["measure"]) == (1e-10, "absolute")
    assert failed[0]["place"] == f"{RESTARTS[1]} (12, 0)"


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("variable", "process"), [("fabd_sun", "albedo"), ("coszen", "zenith"), ("albi", "shortwave")]
)
def test_a_changed_radiation_variable_misses_its_bar(
    shared: Path, material: Path, variable: str, process: str
) -> None:
    def larger(values: np.ndarray) -> None:
        values += 1e-9

    perturb(material / STEPS / RESTARTS[0], variable, larger)
    outcome = outcome_of(material, shared / "data/elm", process)
    assert outcome.exit_code is ExitCode.FINDINGS
    assert RESTARTS[0] in rows_of(outcome, process, Verdict.FAIL)[0].place


@pytest.mark.oracle
def test_a_changed_value_survives_the_rewrite(shared: Path, material: Path) -> None:
    def odd(values: np.ndarray) -> None:
        values[0, 12] = np.nan

    perturb(material / STEPS / RESTARTS[0], "T_SOISNO", odd)
    assert outcome_of(material, None, "restart rewrite").exit_code is ExitCode.OK


@pytest.mark.oracle
def test_a_truncated_restart_is_skipped_by_name_and_the_rest_compared(shared: Path, material: Path) -> None:
    bad = material / STEPS / RESTARTS[2]
    bad.write_bytes(bad.read_bytes()[:-2000])
    outcome = outcome_of(material, shared / "data/elm", "albedo", BY_TEMPERATURE[0])
    assert outcome.exit_code is ExitCode.OK
    for process, pairs in (("albedo", 36), (BY_TEMPERATURE[0], 15)):
        assert rows_of(outcome, process, Verdict.PASS)[0].pairs == pairs
        assert any(str(bad) in row.reason for row in rows_of(outcome, process, Verdict.SKIPPED))


@pytest.mark.oracle
def test_a_restart_cut_off_inside_its_data_is_skipped(shared: Path, material: Path) -> None:
    bad = material / STEPS / RESTARTS[0]
    content = gzip.decompress(bad.read_bytes())
    bad.write_bytes(content[: len(content) // 2])
    outcome = outcome_of(material, shared / "data/elm", "restart rewrite")
    assert [str(bad) in row.reason for row in outcome.rows] == [False, True]


@pytest.mark.oracle
def test_a_missing_tape_leaves_its_processes_out(shared: Path, material: Path) -> None:
    (material / TAPE / "h1.nc.gz").unlink()
    outcome = outcome_of(material, shared / "data/elm", "albedo", "shortwave", *BY_TEMPERATURE)
    assert outcome.exit_code is ExitCode.OK
    for process in ("shortwave", *BY_TEMPERATURE):
        assert not rows_of(outcome, process, Verdict.PASS)
        assert str(material / STEPS) in rows_of(outcome, process, Verdict.SKIPPED)[0].reason
    own = outcome_of(material, shared / "data/elm", "forcing", run=TAPE)
    assert "h1.nc.gz" in rows_of(own, "forcing", Verdict.SKIPPED)[0].reason


@pytest.mark.oracle
def test_a_tape_of_another_season_is_not_taken_for_the_run(shared: Path, material: Path) -> None:
    tape = material / TAPE / "h1.nc.gz"
    tape.unlink()
    tape.symlink_to(shared / "data/elm/w5_winter5day_perstep/h1.nc.gz")
    outcome = outcome_of(material, shared / "data/elm", "shortwave")
    assert [row.verdict for row in outcome.rows] == [Verdict.SKIPPED]


@pytest.mark.oracle
def test_without_inputs_only_what_needs_them_is_left_out(material: Path) -> None:
    outcome = outcome_of(material, None, "restart rewrite", "zenith", "albedo", "shortwave")
    passed = {row.process for row in outcome.rows if row.verdict is Verdict.PASS}
    assert passed == {"restart rewrite", "zenith", "shortwave"}
    assert "surfdata.nc" in rows_of(outcome, "albedo", Verdict.SKIPPED)[0].reason


@pytest.mark.oracle
def test_a_restart_of_another_date_than_listed_is_skipped(shared: Path, material: Path) -> None:
    shutil.copy(material / STEPS / RESTARTS[0], material / STEPS / RESTARTS[1])
    outcome = outcome_of(material, shared / "data/elm", "zenith")
    reasons = [row.reason for row in rows_of(outcome, "zenith", Verdict.SKIPPED)]
    assert len(reasons) == 1
    assert RESTARTS[1] in reasons[0]


def test_an_empty_folder_has_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["oracle", str(tmp_path), "--json", str(tmp_path / "out.json")]) == ExitCode.BAD_INPUT
    assert str(tmp_path / "oracle.json") in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_a_list_of_absent_files_has_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restarts = [{"file": "r.nc.gz", "ymd": 10101, "tod": 0}]
    tapes = [{"file": "h1.nc", "subgrid": True, "dtype": "float64"}]
    runs = [entry("absent", restarts=restarts, tapes=tapes), {"id": "broken", "dtime": "often"}, 5]
    (tmp_path / "oracle.json").write_text(json.dumps({"runs": runs}))
    out = tmp_path / "out.json"
    assert main(["-q", "oracle", str(tmp_path), "--json", str(out)]) == ExitCode.BAD_INPUT
    assert "nothing was compared" in capsys.readouterr().out
    rows = json.loads(out.read_text())["rows"]
    assert {row["run"] for row in rows} == {"absent", "broken", "2"}
    assert {row["verdict"] for row in rows} == {"skipped"}
    assert all("oracle.json" in row["reason"] or "absent" in row["reason"] for row in rows)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"runs": 3}'])
def test_a_list_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "oracle.json").write_text(text)
    with pytest.raises(InputError, match=r"oracle\.json"):
        read_material(tmp_path)


def test_a_misspelt_process_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean albedo"):
        chosen_processes(["albdo"])


def test_the_list_of_runs_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "oracle.json").write_text('{"runs": []}')
    monkeypatch.chdir(tmp_path)
    assert main(["oracle", ".", "--json", "oracle.json"]) == ExitCode.BAD_INPUT
    assert (tmp_path / "oracle.json").read_text() == '{"runs": []}'


def example(verdict: Verdict, largest: float | None = 1e-3) -> Row:
    bar = Bar(1e-10, Measure.ABSOLUTE)
    reason = "run/r.nc: damaged" if verdict is Verdict.SKIPPED else ""
    return Row("run", "albedo", "albd", 3, largest, largest, 1.0, bar, verdict, "r.nc (0, 1)", reason)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.PASS, Verdict.SKIPPED], ExitCode.OK),
        ([Verdict.PASS, Verdict.FAIL], ExitCode.FINDINGS),
        ([Verdict.SKIPPED], ExitCode.BAD_INPUT),
        ([], ExitCode.BAD_INPUT),
    ],
)
def test_the_exit_code_follows_from_the_verdicts(verdicts: list[Verdict], code: ExitCode) -> None:
    assert Outcome("data", tuple(example(verdict) for verdict in verdicts)).exit_code is code


def test_table_json_and_page_tell_the_same() -> None:
    rows = (example(Verdict.FAIL), example(Verdict.FAIL, float("inf")), example(Verdict.SKIPPED, None))
    outcome = Outcome("data", rows)
    document = json.loads(to_json(outcome))
    assert document["summary"] == {"pass": 0, "fail": 2, "skipped": 1}
    assert [row["largest_absolute"] for row in document["rows"]] == [1e-3, "inf", None]
    for text in (to_table(outcome), to_table(outcome, every_row=True), to_markdown(outcome)):
        assert "albd" in text
        assert "damaged" in text
        assert "0 comparisons within their bars, 2 not, 1 skipped" in text
    missed = to_markdown(outcome).split("## Bars missed")[1].split("## Skipped")[0]
    assert missed.count("| albedo | run | albd |") == 2
    assert "1e-10 abs" in missed
    assert "r.nc (0, 1)" in missed


def test_a_page_without_misses_says_so() -> None:
    page = to_markdown(Outcome("data", (example(Verdict.PASS),)))
    assert "## Bars missed\n\nNone." in page


@pytest.mark.oracle
def test_an_interrupted_comparison_goes_on_with_what_it_has(
    shared: Path, material: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KILOLAND_SHARED", str(shared))
    monkeypatch.setenv("KILOLAND_CACHE", str(material / "cache"))
    part, whole = material / "part.json", material / "whole.json"
    words = ["-q", "oracle", str(material), "--run", STEPS, "--process", "zenith"]
    assert main([*words, "--json", str(part)]) == ExitCode.OK
    document = json.loads(part.read_text())
    document["rows"][0]["place"] = "kept from before"
    part.write_text(json.dumps(document))

    more = [*words, "--process", "shortwave", "--resume", str(part), "--json", str(whole)]
    assert main(more) == ExitCode.OK
    rows = json.loads(whole.read_text())["rows"]
    assert [row["place"] for row in rows if row["process"] == "zenith"] == ["kept from before"]
    assert any(row["process"] == "shortwave" and row["verdict"] == "pass" for row in rows)

    document["kiloland"] = "0.0"
    part.write_text(json.dumps(document))
    capsys.readouterr()
    assert main(more) == ExitCode.BAD_INPUT
    assert "these rows cannot be used again" in capsys.readouterr().err


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.parametrize("run", ["zoo/tropics_wet/vjul", "w6_winter_restart_each_step"])
def test_whole_runs_meet_every_bar(shared: Path, run: str) -> None:
    outcome = outcome_of(shared / "data/elm", None, run=run)
    assert outcome.exit_code is ExitCode.OK, to_table(outcome)
