"""The table of evidence as JSON and as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kiloland.spinup.benchmark.bars import Exhibit, all_bars
from kiloland.spinup.benchmark.lines import OURS, Line, Row, lines_of
from kiloland.spinup.benchmark.scores import Spread, short
from kiloland.spinup.tables import HEADLINE


def result(rows: Sequence[Row], exhibits: Sequence[Exhibit], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything as plain JSON."""
    lines = lines_of(rows)
    return {
        "facts": dict(facts),
        "splits": split_table(rows),
        "bars": [asdict(one) for one in all_bars(lines, exhibits)],
        "lines": [line_json(line) for line in lines],
        "exhibits": [one.as_json() for one in exhibits],
    }


def split_table(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Hash and number of cells of every split and seed."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        content = {"sha256": row["rests_on"]["split_sha256"], **row["cells"]}
        found.setdefault(row["split"], {})[str(row["seed"])] = content
    return found


def line_json(line: Line) -> dict[str, Any]:
    """Mean and range of everything, short."""

    def numbers(one: Spread) -> list[float | None]:
        return [short(one.mean), short(one.low), short(one.high)]

    whole = {
        key: numbers(getattr(line, key)) for key in ("headline", "biome", "soil", "false_mass", "seconds")
    }
    pools = {name: numbers(one) for name, one in line.pools.items()}
    return {"split": line.split, "rival": line.rival, "seeds": line.seeds, **whole, "pools": pools}


def page(rows: Sequence[Row], exhibits: Sequence[Exhibit], facts: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    lines = lines_of(rows)
    parts = ["# Evidence of the spinup", ""]
    parts += [f"- {name}: {value}" for name, value in facts.items()]
    parts += ["", "## Bars", ""]
    parts += markdown(
        ("what", "must reach", "found", "verdict"),
        [(one.name, one.target, one.found, one.verdict) for one in all_bars(lines, exhibits)],
    )
    for split in dict.fromkeys(line.split for line in lines):
        parts += split_lines(split, [line for line in lines if line.split == split], rows)
    for exhibit in exhibits:
        parts += ["", f"## {exhibit.title}", "", exhibit.text, ""]
        parts += markdown(exhibit.headings, exhibit.rows)
    ours = next((line for line in lines if line.rival == OURS and line.split == "random"), None)
    if ours is not None:
        parts += ["", "## Every pool, ours, random split", ""]
        parts += markdown(("pool", "R2"), [(name, one.text()) for name, one in ours.pools.items()])
    return "\n".join([*parts, ""])


def split_lines(split: str, lines: Sequence[Line], rows: Sequence[Row]) -> list[str]:
    """The section of one split."""
    hashes = [
        f"seed {seed}: {one['train']} + {one['validation']} + {one['test']} cells, {one['sha256'][:12]}"
        for seed, one in split_table(rows)[split].items()
    ]
    headings = (
        "row", "seeds", "headline", *(name.removesuffix("_vr") for name in HEADLINE),
        "lowest pool", "worst biome total", "soil C", "false mass", "seconds",
    )  # fmt: skip
    body = []
    for line in lines:
        name, lowest = line.lowest
        body.append(
            (
                line.rival,
                len(line.seeds),
                line.headline.text(),
                *(line.pools[n].text() if n in line.pools else "-" for n in HEADLINE),
                f"{lowest:.4f} ({name})",
                percent(line.biome.mean),
                percent(line.soil.mean),
                percent(line.false_mass.mean),
                f"{line.seconds.mean:.0f}" if line.seconds.number else "-",
            )
        )
    return ["", f"## Split: {split}", "", "; ".join(hashes), "", *markdown(headings, body)]


def percent(value: float) -> str:
    """``1.23 %``."""
    return f"{100.0 * value:.3g} %" if np.isfinite(value) else "-"


def markdown(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table of Markdown."""
    return [
        "| " + " | ".join(headings) + " |",
        "|" + "---|" * len(headings),
        *("| " + " | ".join(cell_text(value) for value in row) + " |" for row in rows),
    ]


def cell_text(value: Any) -> str:
    """A value in a cell of the table."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
