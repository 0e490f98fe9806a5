"""The outcome of a comparison as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from kiloland import __version__
from kiloland.verify.attributes import sentence
from kiloland.verify.elements import Extreme
from kiloland.verify.result import FileComparison, VariableComparison

MOST_NOTES = 12
HEADINGS = ("variable", "differ", "of", "max absolute", "max relative", "max ULP")


def to_table(outcome: FileComparison, all_variables: bool = False) -> str:
    """The whole outcome as lines of text; variables that are identical are only counted by default."""
    lines = [f"A  {outcome.a}", f"B  {outcome.b}", *rule_lines(outcome), ""]
    shown = outcome.variables if all_variables else [v for v in outcome.different if v.elements.different]
    if shown:
        lines += [*number_table(shown), ""]
    for variable in outcome.different:
        lines += detail_lines(variable)
    lines += [f"only in A: {', '.join(outcome.only_a)}"] if outcome.only_a else []
    lines += [f"only in B: {', '.join(outcome.only_b)}"] if outcome.only_b else []
    lines += list(outcome.faults)
    lines += [f"not compared, as asked: {', '.join(outcome.ignored)}"] if outcome.ignored else []
    lines += [f"note: {note}" for note in shortened(outcome.notes)]
    return "\n".join([*lines, verdict(outcome)])


def shortened(notes: tuple[str, ...]) -> Iterable[str]:
    yield from notes[:MOST_NOTES]
    if len(notes) > MOST_NOTES:
        yield f"{len(notes) - MOST_NOTES} more of this kind (all are in the JSON form)"


def rule_lines(outcome: FileComparison) -> list[str]:
    tolerance = outcome.tolerance
    rule = "bit for bit"
    if not tolerance.bitwise:
        rule = (
            f"|a-b| <= max({tolerance.absolute:g}, {tolerance.relative:g} * max(|a|,|b|)); integers exactly"
        )
    return [rule + (f"; B as {outcome.copies} copies of A" if outcome.copies else "")]


def verdict(outcome: FileComparison) -> str:
    """One line that says how it ended."""
    total = len(outcome.variables)
    if outcome.identical:
        word = "identical" if outcome.tolerance.bitwise else "equal within the tolerance"
        return f"{word}: {total} variables, {elements(outcome):,} elements"
    missing = len(outcome.only_a) + len(outcome.only_b)
    parts = [f"{len(outcome.different)} of {total} variables differ"]
    parts += [f"{missing} missing on one side"] if missing else []
    parts += [f"{len(outcome.faults)} differences of the whole files"] if outcome.faults else []
    return "different: " + ", ".join(parts)


def elements(outcome: FileComparison) -> int:
    return sum(variable.elements.compared for variable in outcome.variables)


def number_table(variables: Iterable[VariableComparison]) -> list[str]:
    rows = [HEADINGS, *(number_row(variable) for variable in variables)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def number_row(variable: VariableComparison) -> tuple[str, ...]:
    found = variable.elements
    return (
        variable.name,
        f"{found.different:,}",
        f"{found.compared:,}",
        size_text(found.absolute),
        size_text(found.relative),
        f"{found.ulp.size:,}" if found.ulp else "-",
    )


def size_text(extreme: Extreme | None) -> str:
    if extreme is None:
        return "-"
    return f"{extreme.size:,}" if isinstance(extreme.size, int) else f"{extreme.size:.6g}"


def detail_lines(variable: VariableComparison) -> list[str]:
    """Faults, kinds and places of one variable that differs."""
    found, name = variable.elements, variable.name
    lines = [f"{name}: {fault}" for fault in variable.faults]
    lines += [f"{name}: attribute {sentence(item)}" for item in variable.attributes]
    kinds = ((found.masks, "fill or NaN on one side only"), (found.nan_bits, "both NaN, other bits"))
    lines += [f"{name}: {count:,} {kind}" for count, kind in kinds if count]
    lines += [f"{name}: {found.zero_signs:,} zeros of other sign"] if found.zero_signs else []
    if variable.copies_different:
        lines += [f"{name}: differs in copies {', '.join(map(str, variable.copies_different))} (from 0)"]
    at = found.absolute.index if found.absolute else None
    for kind in ("absolute", "relative", "ulp"):
        extreme: Extreme | None = getattr(found, kind)
        if extreme and (kind == "absolute" or extreme.index != at):
            word = kind if kind != "ulp" else "ULP"
            place = variable.places[kind]
            lines += [f"{name}: largest {word} at {place}: {extreme.a!r} in A, {extreme.b!r} in B"]
    if found.different and found.absolute is None:
        lines += [f"{name}: first at {variable.places['first']}"]
    return lines


def to_json(outcome: FileComparison) -> str:
    """Everything as JSON; identical variables are counted, numbers that JSON lacks are text."""
    document = {
        "kiloland": __version__,
        "a": outcome.a,
        "b": outcome.b,
        "copies": outcome.copies,
        "tolerance": asdict(outcome.tolerance),
        "identical": outcome.identical,
        "exit_code": int(outcome.exit_code),
        "variables_compared": len(outcome.variables),
        "elements_compared": elements(outcome),
        "variables_different": [variable_record(variable) for variable in outcome.different],
        "only_in_a": list(outcome.only_a),
        "only_in_b": list(outcome.only_b),
        "ignored": list(outcome.ignored),
        "faults": list(outcome.faults),
        "notes": list(outcome.notes),
    }
    return json.dumps(plain(document), indent=2, allow_nan=False)


def variable_record(variable: VariableComparison) -> dict[str, Any]:
    found = variable.elements
    record: dict[str, Any] = {
        "name": variable.name,
        "role": variable.role,
        "faults": list(variable.faults),
        "attributes": [asdict(item) for item in variable.attributes],
        "compared": found.compared,
        "different": found.different,
        "masks": found.masks,
        "nan_bits": found.nan_bits,
        "zero_signs": found.zero_signs,
        "first": {"index": found.first, "place": variable.places.get("first")}
        if found.first is not None
        else None,
        "copies_different": list(variable.copies_different),
    }
    for kind in ("absolute", "relative", "ulp"):
        extreme: Extreme | None = getattr(found, kind)
        record[f"max_{kind}"] = asdict(extreme) | {"place": variable.places[kind]} if extreme else None
    return record


def plain(value: Any) -> Any:
    """The same document with infinities and NaN as text, bytes decoded and tuples as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.decode("latin-1") if isinstance(value, bytes) else value
