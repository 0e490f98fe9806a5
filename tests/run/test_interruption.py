"""Stopped, killed or out of disk at any moment: a run can be resumed and ends with the same files."""

from __future__ import annotations

from pathlib import Path

import pytest
from interruption import AT_CALLS, AT_TIMES, CHANGES, Reference, environment, interrupted_run, make_reference
from run_cases import assert_same_results, at_the_end, kiloland, leftovers, write_case

from kiloland.files import newest_complete_set

CAMPAIGN = 72
"""Trials of one process."""


@pytest.fixture(scope="module")
def reference(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_reference(few, tmp_path_factory.mktemp("reference"))


def test_a_killed_run_can_be_resumed(reference: Reference, tmp_path: Path) -> None:
    interrupted_run(reference, tmp_path, 1000, "kill")


def test_a_full_disk_is_told_and_the_last_set_stays(reference: Reference, tmp_path: Path) -> None:
    case = write_case(reference.inputs, tmp_path / "run", **CHANGES)
    faulty = environment("full", reference.calls // 2, tmp_path / "run", tmp_path / "note")
    done = kiloland("-q", "run", case, environment=faulty)
    assert done.returncode == 4
    messages = done.stderr.splitlines()
    assert len(messages) == 1, done.stderr
    for words in (str(tmp_path / "run"), "No space left on device", "bytes free"):
        assert words in messages[0]
    assert newest_complete_set(tmp_path / "run") is not None
    assert leftovers(tmp_path / "run") == []
    assert kiloland("-q", "resume", case).returncode == 0
    assert_same_results(reference.directory, tmp_path / "run", at_the_end(reference.directory))


def test_a_stopped_run_has_a_set_of_that_moment_and_says_so(reference: Reference, tmp_path: Path) -> None:
    case = write_case(reference.inputs, tmp_path / "run", **CHANGES)
    faulty = environment("stop", reference.calls // 2, tmp_path / "run", tmp_path / "note")
    done = kiloland("-q", "run", case, environment=faulty)
    assert done.returncode == 75, done.stderr
    newest = newest_complete_set(tmp_path / "run")
    assert newest is not None
    assert done.stderr == (
        f"kiloland run: stopped by a signal at {newest.label}; a restart set was written, "
        "kiloland resume continues\n"
    )
    assert leftovers(tmp_path / "run") == []
    assert kiloland("-q", "resume", case).returncode == 0
    assert_same_results(reference.directory, tmp_path / "run", at_the_end(reference.directory))


KINDS = (*AT_CALLS, *AT_TIMES)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(CAMPAIGN))
def test_campaign(reference: Reference, tmp_path: Path, number: int) -> None:
    interrupted_run(reference, tmp_path, number, KINDS[number % len(KINDS)])


@pytest.mark.slow
def test_a_limit_on_the_size_of_files(reference: Reference, tmp_path: Path) -> None:
    interrupted_run(reference, tmp_path, 0, "limit")


@pytest.mark.mpi
def test_a_full_disk_ends_all_ranks(reference: Reference, tmp_path: Path) -> None:
    """The rank that cannot write must not leave the other one waiting."""
    interrupted_run(reference, tmp_path, 2, "full", ranks=2)


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.parametrize("number", range(12))
def test_campaign_on_two_ranks(reference: Reference, tmp_path: Path, number: int) -> None:
    interrupted_run(reference, tmp_path, number, AT_CALLS[number % len(AT_CALLS)], ranks=2)
