"""What a comparison of two files found, as plain frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiloland.errors import ExitCode
from kiloland.verify.elements import ElementDifferences, Tolerance


@dataclass(frozen=True)
class AttributeDifference:
    """One attribute that is not the same; ``None`` where a file does not have it."""

    name: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class VariableComparison:
    """One variable of both files.

    ``faults``: in words, what makes it different beside its elements (type, dimensions, an index vector that
    points elsewhere); ``places``: where each extreme lies, in words; ``copy``: which copy the worst element
    is in (from 0), when B holds several; ``role``: how copies are compared (``data`` for all others).
    """

    name: str
    elements: ElementDifferences = field(default_factory=ElementDifferences)
    faults: tuple[str, ...] = ()
    attributes: tuple[AttributeDifference, ...] = ()
    places: dict[str, str] = field(default_factory=dict)
    copies_different: tuple[int, ...] = ()
    role: str = "data"

    @property
    def identical(self) -> bool:
        return not (self.elements.different or self.faults or self.attributes)


@dataclass(frozen=True)
class FileComparison:
    """Two files: every common variable, what only one of them has, and how they describe themselves.

    ``faults`` are decisive differences of the whole files; ``notes`` never decide.
    """

    a: str
    b: str
    tolerance: Tolerance
    variables: tuple[VariableComparison, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    copies: int | None = None

    @property
    def different(self) -> tuple[VariableComparison, ...]:
        return tuple(variable for variable in self.variables if not variable.identical)

    @property
    def identical(self) -> bool:
        return not (self.different or self.only_a or self.only_b or self.faults)

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OK if self.identical else ExitCode.FINDINGS
