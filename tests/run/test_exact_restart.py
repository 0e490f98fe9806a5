"""A run cut in two gives the bytes of a run in one piece: restart, unfinished history, history, balances."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_cases import NAME, assert_same_results, at_the_end, run

from kiloland.files import open_dataset
from kiloland.run.clock import DAY, date_label, parse_date
from kiloland.run.driver import run_case
from kiloland.run.from_elm import case_from_namelists

START, STOP = "0001-12-30", "0002-01-02"
STEP = 1800


def label(steps: int) -> str:
    return date_label(parse_date(START) + steps * STEP)


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the run in one piece: 144 steps across the end of the year."""
    directory = tmp_path_factory.mktemp("whole") / "run"
    result = run(inputs, directory, case__start=START, case__stop=STOP)
    assert result.steps == 144
    return directory


def test_the_reference_run_has_every_kind_of_file(whole: Path) -> None:
    names = " ".join(at_the_end(whole))
    for kind in ("h0", "h1", "h2", "r", "rh0"):
        assert f"{NAME}.elm.{kind}." in names
    assert f"{NAME}.balance.json" in names
    with open_dataset(whole / f"{NAME}.elm.rh0.{label(144)}.nc") as unfinished:
        assert unfinished.attributes["h1_records"] == 0
        assert unfinished["h1_interval"].read()[1] == 144 % 10, "the run ends inside an interval"


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(1, id="after the first step"),
        pytest.param(48, id="at the end of a day"),
        pytest.param(72, id="in the middle"),
        pytest.param(77, id="inside every averaging interval"),
        pytest.param(96, id="at the end of the year"),
        pytest.param(143, id="before the last step"),
    ],
)
def test_a_run_cut_in_two_has_the_same_bytes(inputs: Path, whole: Path, tmp_path: Path, steps: int) -> None:
    run(inputs, tmp_path / "run", case__start=START, case__stop=label(steps))
    rest = run(inputs, tmp_path / "run", case__start=START, case__stop=STOP, resume=True)
    assert rest.steps == 144 - steps
    assert_same_results(whole, tmp_path / "run", at_the_end(whole))


def test_a_run_cut_at_many_places_has_the_same_bytes(inputs: Path, whole: Path, tmp_path: Path) -> None:
    for number, steps in enumerate((3, 50, 51, 95, 97, 144)):
        run(inputs, tmp_path / "run", case__start=START, case__stop=label(steps), resume=number > 0)
    assert_same_results(whole, tmp_path / "run", at_the_end(whole))


def test_how_often_restarts_are_written_changes_no_other_byte(
    inputs: Path, whole: Path, tmp_path: Path
) -> None:
    run(inputs, tmp_path / "run", case__start=START, case__stop=STOP, restart__every="7 hours")
    assert_same_results(whole, tmp_path / "run", at_the_end(whole))


def test_running_again_gives_the_same_bytes(inputs: Path, whole: Path, tmp_path: Path) -> None:
    run(inputs, tmp_path / "run", case__start=START, case__stop=STOP)
    assert_same_results(whole, tmp_path / "run", at_the_end(whole))


def test_a_new_run_from_a_restart_goes_on_as_the_old_one_did(
    inputs: Path, whole: Path, tmp_path: Path
) -> None:
    """As a branch run of ELM: the restart of a set starts a case of its own and ends in the same state."""
    run(inputs, tmp_path / "a", case__start=START, case__stop=label(48))
    restart = tmp_path / "a" / f"{NAME}.elm.r.{label(48)}.nc"
    run(inputs, tmp_path / "b", case__start=label(48), case__stop=STOP, input__restart=restart)
    name = f"{NAME}.elm.r.{label(144)}.nc"
    assert_same_results(whole, tmp_path / "b", [name])


def test_resuming_a_complete_run_changes_nothing(inputs: Path, tmp_path: Path) -> None:
    run(inputs, tmp_path / "run", case__stop="0001-07-02")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").glob(f"{NAME}.*")}
    again = run(inputs, tmp_path / "run", case__stop="0001-07-02", resume=True)
    assert again.steps == 0
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "run").glob(f"{NAME}.*")}


TAPE = """
[[history]]
fields = ["TSOI", "FSA:maximum"]
every = "5 hours"
records_per_file = 4
subgrid = true
"""


def elm_case(shared: Path, folder: Path, run_of_elm: str, restart: str, days: float) -> Path:
    """A case that starts from one of ELM's restarts, on ELM's own inputs."""
    elm = shared / "data/elm"
    text = case_from_namelists(
        elm / run_of_elm / "lnd_in",
        None,
        [elm / "inputs"],
        "0017-01-01",
        name=NAME,
        restart=elm / run_of_elm / restart,
    )
    start = next(line for line in text.splitlines() if line.startswith("start")).split('"')[1]
    stop = date_label(parse_date(start) + int(days * DAY))
    text = text[: text.index("[[history]]")].replace("0017-01-01-00000", stop) + TAPE
    file = folder / "case.toml"
    folder.mkdir(exist_ok=True)
    file.write_text(text.replace(f'directory = "{NAME}"', 'directory = "run"'))
    return file


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("run_of_elm", "restart"),
    [
        pytest.param(
            "q5w_4cells_winter_steps", "q5w.elm.r.0008-01-01-01800.nc.gz", id="four cells in winter"
        ),
        pytest.param(
            "s6_summer_restart_each_step",
            "sprs6r.elm.r.0016-07-01-43200.nc.gz",
            id="one cell in summer",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_run_from_a_restart_of_elm_cut_in_two_has_the_same_bytes(
    shared: Path, tmp_path: Path, run_of_elm: str, restart: str
) -> None:
    run_case(elm_case(shared, tmp_path / "whole", run_of_elm, restart, 1.0))
    run_case(elm_case(shared, tmp_path / "cut", run_of_elm, restart, 0.4375))
    rest = run_case(elm_case(shared, tmp_path / "cut", run_of_elm, restart, 1.0), resume=True)
    assert rest.steps == 48 - 21
    whole = tmp_path / "whole/run"
    assert_same_results(whole, tmp_path / "cut/run", at_the_end(whole))
    last = next(whole.glob(f"{NAME}.elm.r.*.nc"))
    with open_dataset(last) as ours, open_dataset(shared / "data/elm" / run_of_elm / restart) as theirs:
        assert list(ours.variables) == list(theirs.variables), "a run keeps every variable of the restart"
