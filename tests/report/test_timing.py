"""Timing files that the PACE portal and E3SM's tools can read."""

from __future__ import annotations

from pathlib import Path

import pace_rules as pace
import pytest

from kiloland.report.timers import TimerNode, timer_lines
from kiloland.report.timing import rank_text, stats_text, write_timing
from kiloland.report.timing_summary import RunSummary, summary_text, write_summary


def leaf(name: str, calls: int, seconds: float, *children: TimerNode, running: bool = False) -> TimerNode:
    return TimerNode(
        name, calls, seconds, seconds / calls * 1.5, seconds / calls / 2, children, running=running
    )


def tree(factor: float = 1.0) -> list[TimerNode]:
    write = leaf("l:PIO:write", 3, 0.25 * factor)
    step = leaf(
        "l:step", 48, 6.0 * factor, leaf("l:soil temperature", 48, 4.0 * factor), leaf("l:radiation", 48, 1.5)
    )
    return [
        leaf("CPL:INIT", 1, 2.0 * factor, leaf("l_i:read_domain", 1, 0.5)),
        leaf(
            "CPL:RUN_LOOP",
            48,
            9.0 * factor,
            step,
            leaf("CPL:RESTART", 2, 0.5, write),
            leaf("CPL:HISTORY", 4, 0.25, leaf("l:PIO:write", 5, 0.125)),
        ),
        leaf("CPL:FINAL", 1, 0.125, running=True),
    ]


def summary(**changes: object) -> RunSummary:
    facts: dict[str, object] = {
        **{
            "case": "seward",
            "identifier": "17.261121-014500",
            "machine": "box",
            "case_root": "run",
            "timing_root": "run/timing",
        },
        **{
            "user": "someone",
            "date": "Sat Nov 21 01:45:00 2026",
            "grid": "daymet",
            "compset": "1850_DATM_ELM%first_light",
        },
        **{"run_type": "startup, continue_run = FALSE", "stop_option": "ndays", "stop_count": 5, "days": 5.0},
        **{
            "processes": 4,
            "processes_per_node": 4,
            "initial_seconds": 2.0,
            "run_seconds": 36.0,
            "final_seconds": 0.5,
        },
        "component_seconds": {"LND": 30.0, "ATM": 4.0, "CPL": 2.0},
    }
    return RunSummary(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.oracle
def test_the_rules_of_the_test_read_the_real_files(shared: Path) -> None:
    folder = shared / "data/pace"
    roots = pace.read_rank((folder / "modelTimingTest/model_timing.0000").read_text())
    assert roots[0].name == "CPL:INIT"
    assert roots[0].values["wallclock"] == 177.642090
    assert roots[0].children[0].name == "CPL:cime_pre_init1"
    stats = pace.read_stats((folder / "modelTimingTest/gptl_timing_stats_new.txt").read_text())
    assert stats[0].values["wallmax_proc"] == 1096
    text = next(folder.glob("e3sm_timing.*")).read_text()
    real = pace.read_summary(text)
    assert real.header["stop_option"] == "nmonths"
    assert real.metrics["Model Throughput"] == 4.42
    assert real.run_rows["LND"] == (609.132, 3.310, 71.50)


def test_a_rank_file_reads_back_as_the_tree_it_was() -> None:
    roots = pace.read_rank(rank_text(3, tree()))
    assert [root.name for root in roots] == ["CPL:INIT", "CPL:RUN_LOOP", "CPL:FINAL"]
    loop = roots[1]
    assert loop.values["called"] == 48
    assert loop.values["wallclock"] == 9.0
    assert loop.values["max"] == pytest.approx(9 / 48 * 1.5, abs=1e-6)
    assert [child.name for child in loop.children] == ["l:step", "CPL:RESTART", "CPL:HISTORY"]
    assert [child.name for child in loop.children[0].children] == ["l:soil temperature", "l:radiation"]
    assert roots[2].values["on"] is True
    assert loop.values["on"] is False


def test_a_timer_of_two_parents_is_written_once_below_the_busier_one() -> None:
    text = rank_text(0, tree())
    assert text.count('"l:PIO:write"') == 1
    history = pace.read_rank(text)[1].children[2]
    (write,) = history.children
    assert write.many_parents
    assert (write.values["called"], write.values["wallclock"]) == (8, 0.375)
    assert "Multiple parent info for thread 0:" in text


def test_the_statistics_name_the_slowest_and_fastest_rank() -> None:
    only_here = [*tree(0.5), leaf("CPL:extra", 1, 1.0)]
    timers = {timer.name: timer for timer in pace.read_stats(stats_text([tree(1.0), tree(3.0), only_here]))}
    loop = timers["CPL:RUN_LOOP"].values
    assert (loop["processes"], loop["count"], loop["walltotal"]) == (3, 144, 40.5)
    assert (loop["wallmax"], loop["wallmax_proc"]) == (27.0, 1)
    assert (loop["wallmin"], loop["wallmin_proc"]) == (4.5, 2)
    assert timers["CPL:extra"].values["processes"] == 1
    assert timers["CPL:FINAL"].values["on"] is True


def test_files_carry_the_names_the_portal_looks_for(tmp_path: Path) -> None:
    written = write_timing(tmp_path, [tree(), tree()])
    assert [path.name for path in written] == ["model_timing.0000", "model_timing.0001", "model_timing_stats"]
    assert write_summary(tmp_path, summary()).name == "e3sm_timing.seward.17.261121-014500"
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "e3sm_timing.seward.17.261121-014500"
    assert len(list(tmp_path.iterdir())) == 4


def test_the_summary_reads_back_with_cost_and_throughput() -> None:
    read = pace.read_summary(summary_text(summary()))
    assert read.header["Case"] == "seward"
    assert read.header["Curr Date"] == "Sat Nov 21 01:45:00 2026"
    assert (read.header["stop_option"], read.header["stop_n"], read.header["run_length"]) == (
        "ndays",
        "5",
        "5",
    )
    assert [row[0] for row in read.components] == [
        "cpl",
        "atm",
        "lnd",
        "ice",
        "ocn",
        "rof",
        "glc",
        "wav",
        "esp",
    ]
    assert read.components[2] == ("lnd", "4", "0", "4", "1", "1", "1")
    assert read.metrics["Model Cost"] == pytest.approx(36 * 4 / 3600 * 73, abs=0.005)
    assert read.metrics["Model Throughput"] == pytest.approx(5 / 365 * 86400 / 36, abs=0.005)
    assert list(read.run_rows) == [
        *("TOT", "CPL", "ATM", "LND", "ICE", "OCN"),
        *("ROF", "GLC", "WAV", "ESP", "CPL_COMM"),
    ]
    assert read.run_rows["LND"] == pytest.approx((30.0, 6.0, 5 / 365 * 86400 / 30), abs=0.005)
    assert read.run_rows["TOT"][0] == 36.0


@pytest.mark.parametrize("name", ['a "quoted" name', "two\nlines", "  "])
def test_names_that_would_break_the_files_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        leaf(name, 1, 1.0)


def test_a_timer_inside_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="inside itself"):
        timer_lines([leaf("a", 1, 1.0, leaf("b", 1, 0.5, leaf("a", 1, 0.1)))])


def test_a_summary_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive length"):
        summary(days=0.0)
    with pytest.raises(ValueError, match="unknown rows"):
        summary(component_seconds={"SOIL": 1.0})
