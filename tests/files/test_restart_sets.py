"""A resumed run finds the newest set that is whole; one directory holds one run."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kiloland.errors import InputError, OutputError
from kiloland.files import POINTER, RestartSet, RunLock, newest_complete_set, write_restart_set, write_text
from kiloland.files.manifest import label_order
from kiloland.files.run_lock import LOCK_NAME

LABELS = ["0001-01-02-00000", "0001-01-03-00000", "0001-01-04-00000"]


def make_set(folder: Path, label: str, keep: int = 2) -> None:
    with RestartSet(folder, label, configuration="steps = 3\n", metadata={"ranks": 2}, keep=keep) as restart:
        write_text(restart.path("elm.r", f"case.elm.r.{label}.nc"), f"state {label}")
        write_text(restart.path("elm.rh0", f"case.elm.rh0.{label}.nc"), f"history {label}")


def test_a_set_has_a_manifest_that_says_what_wrote_it_and_a_pointer(tmp_path: Path) -> None:
    make_set(tmp_path, LABELS[0])
    lines = (tmp_path / POINTER).read_text().splitlines()
    assert lines[0] == f"./case.elm.r.{LABELS[0]}.nc"
    content = json.loads((tmp_path / f"manifest.{LABELS[0]}.json").read_text())
    assert content["configuration"]["text"] == "steps = 3\n"
    assert len(content["configuration"]["sha256"]) == 64
    assert content["software"]["kiloland"]
    assert content["metadata"] == {"ranks": 2}
    assert content["members"]["elm.r"]["bytes"] == len(f"state {LABELS[0]}")
    found = newest_complete_set(tmp_path)
    assert found is not None
    assert found.label == LABELS[0]
    assert found.file("elm.r") == tmp_path / f"case.elm.r.{LABELS[0]}.nc"


def test_the_last_sets_stay_and_older_ones_go_with_all_their_files(tmp_path: Path) -> None:
    for label in LABELS:
        make_set(tmp_path, label)
    names = " ".join(path.name for path in tmp_path.iterdir())
    assert LABELS[0] not in names
    assert names.count(LABELS[1]) == names.count(LABELS[2]) == 3


def test_the_set_just_written_stays_even_with_an_older_date(tmp_path: Path) -> None:
    for label in (LABELS[1], LABELS[2], LABELS[0]):
        make_set(tmp_path, label, keep=1)
    assert (tmp_path / f"manifest.{LABELS[0]}.json").exists()


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "target", "problem"),
    [
        (Path.unlink, "case.elm.rh0.{}.nc", "missing"),
        (shorten, "case.elm.r.{}.nc", "another size"),
        (flip, "case.elm.rh0.{}.nc", "damaged"),
        (flip, "manifest.{}.json", "damaged|checksum"),
        (shorten, "manifest.{}.json", ""),
    ],
)
def test_a_damaged_set_is_passed_over_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: object, target: str, problem: str
) -> None:
    for label in LABELS[:2]:
        make_set(tmp_path, label)
    is_harmless = damage is shorten and target.startswith("manifest")
    damage(tmp_path / target.format(LABELS[1]))  # type: ignore[operator]
    with caplog.at_level(logging.WARNING):
        found = newest_complete_set(tmp_path)
    assert found is not None
    if is_harmless:  # only the closing line end is gone
        assert found.label == LABELS[1]
        return
    assert found.label == LABELS[0]
    assert target.format(LABELS[1]) in caplog.text
    assert any(word in caplog.text for word in problem.split("|"))


def test_without_any_whole_set_the_reasons_are_listed(tmp_path: Path) -> None:
    assert newest_complete_set(tmp_path) is None
    make_set(tmp_path, LABELS[0])
    (tmp_path / f"case.elm.r.{LABELS[0]}.nc").unlink()
    with pytest.raises(InputError, match=rf"no restart set is complete.*case\.elm\.r\.{LABELS[0]}"):
        newest_complete_set(tmp_path)


def test_a_failure_before_the_manifest_leaves_the_earlier_set_in_force(tmp_path: Path) -> None:
    make_set(tmp_path, LABELS[0])
    pointer = (tmp_path / POINTER).read_text()
    restart = RestartSet(tmp_path, LABELS[1])
    write_text(restart.path("elm.r", "new.nc"), "state")
    with pytest.raises(OutputError), restart:
        raise OutputError("disk full")
    assert (tmp_path / POINTER).read_text() == pointer
    found = newest_complete_set(tmp_path)
    assert found is not None
    assert found.label == LABELS[0]


def test_a_member_that_was_not_written_is_an_error(tmp_path: Path) -> None:
    restart = RestartSet(tmp_path, LABELS[0])
    restart.path("elm.r", "absent.nc")
    with pytest.raises(InputError, match=r"absent\.nc.*not written"):
        restart.finish()
    with pytest.raises(InputError, match="outside"):
        write_restart_set(tmp_path / "other", LABELS[0], {"elm.r": tmp_path / "absent.nc"})
    assert not (tmp_path / POINTER).exists()


CAMPAIGN = """
import sys
from pathlib import Path
from kiloland.files import RestartSet, write_bytes
folder = Path(sys.argv[1])
for step in range(int(sys.argv[2]), 100000):
    with RestartSet(folder, f"{step:06d}") as restart:
        for member in ("a", "b"):
            write_bytes(restart.path(member, f"{member}.{step:06d}"), b"%06d" % step * 20000)
    print(step, flush=True)
"""


def test_a_run_killed_at_any_moment_resumes_from_a_whole_set(tmp_path: Path) -> None:
    step = 0
    for kill in range(8):
        command = [sys.executable, "-c", CAMPAIGN, str(tmp_path), str(step)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(1 + kill % 3):
            reported = int(process.stdout.readline())
        try:
            process.wait(0.003 * kill)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = newest_complete_set(tmp_path)
        assert found is not None
        assert int(found.label) >= reported
        assert found.file("b").read_bytes() == f"{int(found.label):06d}".encode() * 20000
        step = int(found.label) + 1
    assert len(list(tmp_path.glob("manifest.*"))) <= 3


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("0009-12-31-00000", "0010-01-01-00000"), ("9999-01-01", "10000-01-01"), ("2-00000", "2-01800")],
)
def test_labels_are_ordered_by_date(earlier: str, later: str) -> None:
    assert label_order(f"manifest.{earlier}.json") < label_order(f"manifest.{later}.json")


def test_two_runs_in_one_directory_are_an_error_until_the_first_ends(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        with pytest.raises(InputError, match=rf"two runs in one directory.*process {os.getpid()}"):
            RunLock(tmp_path).acquire()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert "two runs" in pool.apply(attempt, (tmp_path,))
    with RunLock(tmp_path):
        assert (tmp_path / LOCK_NAME).exists()
    assert not (tmp_path / LOCK_NAME).exists()


def attempt(folder: Path) -> str:
    try:
        with RunLock(folder):
            return "free"
    except InputError as error:
        return str(error)


def test_the_lock_of_a_killed_run_is_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    code = "import sys, time; from kiloland.files import RunLock\n"
    code += "RunLock(sys.argv[1]).acquire(); print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"process {process.pid}"):
        RunLock(tmp_path).acquire()
    process.kill()
    process.wait()
    process.stdout.close()
    with caplog.at_level(logging.WARNING), RunLock(tmp_path):
        assert f"process {process.pid}, which is gone" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"[1]"])
def test_a_lock_that_was_cut_off_does_not_block(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCK_NAME).write_bytes(content)
    with RunLock(tmp_path):
        pass


def test_a_lock_of_another_host_is_respected(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": "then"}))
    with pytest.raises(InputError, match=r"two runs in one directory.*elsewhere.*delete"):
        RunLock(tmp_path).acquire()
