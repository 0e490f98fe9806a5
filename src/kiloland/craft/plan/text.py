"""A plan in words and as a document."""

from __future__ import annotations

from typing import Any

from kiloland.craft.plan.parts import CLASSIC_LIMIT, CraftPlan, Product
from kiloland.files.sizes import size_text

HEADINGS = ("product", "cells", "files", "reads", "writes", "memory/rank", "ranks", "time")
MACHINE_LINES = ("disk", "machine", "warning")
"""First words of the lines that depend on the machine."""


def plan_lines(plan: CraftPlan) -> list[str]:
    """The plan as text: a table of products, then a line for each fact."""
    rows = [HEADINGS, *(_row(product) for product in plan.products), _total(plan)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [f"job {plan.name}: {len(plan.products)} products"]
    lines += ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    lines += [f"time     {product.name}: {product.rests_on}" for product in plan.products]
    lines += [f"rates    {plan.rates}", f"format   {_format(plan)}"]
    lines += [f"note     {text}" for text in plan.notes]
    lines.append(f"disk     {size_text(plan.written_bytes)} needed, {size_text(plan.machine.free_disk)} free")
    lines.append(f"machine  {size_text(plan.machine.memory)} of memory, {plan.machine.processors} processors")
    lines += [f"missing  {finding}" for finding in plan.findings]
    return lines + [f"warning  {text}" for text in plan.warnings]


def document(plan: CraftPlan) -> dict[str, Any]:
    """The plan for JSON; sizes in bytes, times in seconds."""
    return {
        "job": plan.name,
        "directory": plan.directory,
        "products": [
            {
                "name": one.name,
                "cells": one.cells,
                "files": one.number_of_files,
                "read_bytes": one.read_bytes,
                "written_bytes": one.written_bytes,
                "memory_per_rank_bytes": round(one.memory_per_rank),
                "ranks": one.ranks,
                "seconds": round(one.seconds, 3),
                "rests_on": one.rests_on,
                "largest_piece": {"variable": one.largest[1], "bytes": one.largest[0]},
            }
            for one in plan.products
        ],
        "read_bytes": plan.read_bytes,
        "written_bytes": plan.written_bytes,
        "seconds": round(plan.seconds, 3),
        "rates": plan.rates,
        "format_holds": plan.format_holds,
        "machine": {
            "memory_bytes": plan.machine.memory,
            "processors": plan.machine.processors,
            "free_disk_bytes": plan.machine.free_disk,
        },
        "notes": list(plan.notes),
        "findings": [str(one) for one in plan.findings],
        "warnings": list(plan.warnings),
    }


def _row(product: Product) -> tuple[str, ...]:
    return (
        product.name,
        f"{product.cells:,}",
        str(product.number_of_files),
        size_text(product.read_bytes),
        size_text(product.written_bytes),
        size_text(product.memory_per_rank),
        str(product.ranks),
        time_text(product.seconds),
    )


def _total(plan: CraftPlan) -> tuple[str, ...]:
    files = sum(product.number_of_files for product in plan.products)
    sizes = size_text(plan.read_bytes), size_text(plan.written_bytes)
    return ("all", "", str(files), *sizes, "", "", time_text(plan.seconds))


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """The first column to the left, numbers to the right."""
    first, *others = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]


def time_text(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120.0:
        return f"{seconds:.2g} s" if seconds < 9.5 else f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 7200.0 else f"{seconds / 3600.0:.1f} h"


def _format(plan: CraftPlan) -> str:
    """Whether the format holds the largest piece."""
    size, name = plan.largest
    verdict = "CDF-5 holds it" if plan.format_holds else "beyond CDF-5"
    older = "so would CDF-2" if size <= CLASSIC_LIMIT else "CDF-2 (4 GiB a piece) would not"
    return f"largest piece {name}, {size_text(size)}: {verdict}, {older}"
