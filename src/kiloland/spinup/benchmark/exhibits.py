"""Exhibits are kept like rows: made once, used again as long as what they rest on is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kiloland.files import write_text
from kiloland.spinup.benchmark.bars import Exhibit, exhibit_from_json
from kiloland.spinup.benchmark.rows import Say, file_name


def kept(
    folder: Path, name: str, rests_on: Mapping[str, Any], make: Callable[[], Exhibit], say: Say
) -> Exhibit:
    """A finished exhibit, or a new one, which is kept as soon as it is made."""
    path = folder / f"{file_name(name)}.json"
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["rests_on"] == dict(rests_on):
            say(f"{name}: kept")
            return exhibit_from_json(content["exhibit"])
    say(f"{name} ...")
    exhibit = make()
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"rests_on": dict(rests_on), "exhibit": exhibit.as_json()}, indent=1) + "\n")
    return exhibit


def finished(folder: Path, rests_on: Mapping[str, Any]) -> list[Exhibit]:
    """All kept exhibits of the same data, in the order of their names."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if all(content["rests_on"].get(key, value) == value for key, value in rests_on.items()):
            found.append(exhibit_from_json(content["exhibit"]))
    return found
