"""Whatever is wrong with a case file is told in one message, before anything is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults import one_message, spoken
from run_cases import (
    write_case,
)


@dataclass(frozen=True)
class CaseFault:
    """A fault of the case file: what is changed, and words of the message."""

    name: str
    change: Mapping[str, object]
    says: tuple[str, ...]


CASE_FAULTS = [
    CaseFault("unknown key", {"case__stpo": "0001-07-03"}, ("case.stpo: unknown key", "case.stop?")),
    CaseFault("unknown table", {"restrat": {"every": "1 day"}}, ("restrat: unknown key", "restart?")),
    CaseFault("missing key", {"case__name": None}, ("case.name: key missing", "expected str")),
    CaseFault("missing file key", {"input__domain": None}, ("input.domain: key missing",)),
    CaseFault("number as text", {"case__step_seconds": "1800"}, ("case.step_seconds", "'1800'", "int")),
    CaseFault("truth as number", {"case__step_seconds": True}, ("case.step_seconds: wrong type", "True")),
    CaseFault("text for a list", {"history": [{"fields": "TSOI"}]}, ("history[0].fields", "a list")),
    CaseFault("number in a list", {"history": [{"fields": [3]}]}, ("history[0].fields[0]", "3", "str")),
    CaseFault("unknown value", {"atmosphere__kind": "stream"}, ("atmosphere.kind", "'stream'", "streams")),
    CaseFault("unknown partition", {"ranks__partition": "robin"}, ("ranks.partition", "round_robin")),
    CaseFault("segments", {"ranks__segments": 0}, ("ranks: segments must be at least 1", "found 0")),
    CaseFault("stop before start", {"case__stop": "0001-06-30"}, ("stop must be later", "0001-06-30")),
    CaseFault("stop is start", {"case__stop": "0001-07-01"}, ("stop must be later than case.start",)),
    CaseFault(
        "29 February",
        {"case__start": "0004-02-29"},
        ("case.start: no such date in a year of 365 days: 0004-02-29",),
    ),
    CaseFault("month 13", {"case__start": "0001-13-01"}, ("case.start: no such date in a year of 365 days",)),
    CaseFault("year 0", {"case__start": "0000-07-01"}, ("case.start: no such date in a year of 365 days",)),
    CaseFault("not a date", {"case__stop": "tomorrow"}, ("case.stop: not a date: 'tomorrow'", "YYYY-MM-DD")),
    CaseFault("step", {"case__step_seconds": 1700}, ("step_seconds must divide a day", "1700")),
    CaseFault("no step", {"case__step_seconds": 0}, ("step_seconds must divide a day", "found 0")),
    CaseFault("half a step", {"case__stop": "0001-07-02-00900"}, ("not a whole number of steps",)),
    CaseFault("orbit", {"case__orbital_year": 9_000_000}, ("case.orbital_year must be within", "9000000")),
    CaseFault("name with a slash", {"case__name": "a/b"}, ("case.name must be a word", "'a/b'")),
    CaseFault("block", {"compute__columns_per_block": 100}, ("compute: columns_per_block", "100", "64")),
    CaseFault("chunk", {"compute__steps_per_chunk": 0}, ("steps_per_chunk must be at least 1",)),
    CaseFault("restart interval", {"restart__every": "soon"}, ("restart: not an interval: 'soon'",)),
    CaseFault("no sets kept", {"restart__keep": 0}, ("restart.keep must be at least 1",)),
    CaseFault("empty tape", {"history": [{"fields": []}]}, ("history[0]: fields is empty",)),
    CaseFault(
        "history interval", {"history": [{"fields": ["TG"], "every": "0 days"}]}, ("history[0]", "'0 days'")
    ),
    CaseFault(
        "records",
        {"history": [{"fields": ["TG"], "records_per_file": 0}]},
        ("history[0]: records_per_file must be at least 1",),
    ),
    CaseFault("unknown field", {"history": [{"fields": ["TSOIL"]}]}, ("history[0].fields", "TSOIL", "TSOI")),
    CaseFault(
        "field not computed",
        {"history": [{"fields": ["TG"]}, {"fields": ["GPP"]}]},
        ("GPP: history[1].fields: this field is not computed yet",),
    ),
    CaseFault("field twice", {"history": [{"fields": ["TG", "TG:maximum"]}]}, ("TG", "the same field twice")),
    CaseFault(
        "averaging", {"history": [{"fields": ["TG:median"]}]}, ("'median' of TG", "mean, instantaneous")
    ),
    CaseFault("years", {"atmosphere__year_last": 0}, ("atmosphere: year_last", "found 1 to 0")),
    CaseFault("no years", {"atmosphere__year_first": 0}, ("atmosphere: streams need year_first",)),
]


@pytest.mark.parametrize("verb", ["run", "check", "resume"])
@pytest.mark.parametrize("fault", CASE_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_the_case_file_is_told_before_anything_is_done(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: CaseFault, verb: str
) -> None:
    case = write_case(few, tmp_path / "run", **fault.change)
    code, text = spoken(capsys, verb, case)
    message = one_message(text)
    assert code == 2
    for words in (str(case), *fault.says):
        assert words in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[case\nname = 'x'", "not valid TOML"),
        ("[case]\nname = 'x'\nstart = 1st of May", "line 3"),
        ("case = 3", "case: not a table"),
        ("", "case: key missing"),
        ("[case]\nstart = 0001-07-01", "wrong type (found datetime.date(1, 7, 1), expected str)"),
        (b"\xff\xfe", "is not a text file"),
    ],
)
def test_a_broken_case_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, says: str
) -> None:
    case = tmp_path / "case.toml"
    case.write_bytes(content.encode() if isinstance(content, str) else content)
    if says.startswith("wrong type"):
        case.write_text("[case]\nname = 'x'\ndirectory = 'run'\nstart = 0001-07-01\nstop = '0001-07-02'\n")
    code, text = spoken(capsys, "run", case)
    assert (code, str(case) in text, says in one_message(text)) == (2, True, True), text
    assert os.listdir(tmp_path) == ["case.toml"]


@pytest.mark.parametrize("path", ["absent.toml", "."])
def test_a_case_file_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    code, text = spoken(capsys, "run", tmp_path / path)
    assert code == 2
    assert str((tmp_path / path).resolve()) in one_message(text)
