"""Errors a user can act on, and the exit codes of the command line.

Every problem with an input is one :class:`InputError`: a single message that names the file, the
variable, the place (cell, time, line), what was found and what was expected.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """Exit codes of every ``kiloland`` command (documented in ``docs/exit_codes.md``)."""

    OK = 0
    """Done; for a comparison or a check: nothing to report."""
    FINDINGS = 1
    """A comparison found differences, a check found faults, a bar was missed."""
    BAD_INPUT = 2
    """The command line or an input cannot be used; nothing was written."""
    BALANCE = 3
    """A balance was violated; the run stopped in a restartable state."""
    OUTPUT = 4
    """An output could not be written (disk full, no permission); earlier files are intact."""
    INTERRUPTED = 75
    """Stopped by a signal after a safe point; ``kiloland resume`` continues."""


class KilolandError(Exception):
    """Base of all errors that end a command with one message and no traceback."""

    exit_code: ExitCode = ExitCode.BAD_INPUT


class InputError(KilolandError):
    """An input that cannot be used.

    The message reads ``file: variable: where: problem (found X, expected Y). hint``.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        variable: str | None = None,
        where: str | None = None,
        found: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        self.problem, self.file, self.variable, self.where = problem, file, variable, where
        self.found, self.expected, self.hint = found, expected, hint
        places = [str(part) for part in (file, variable, where) if part is not None]
        facts = [
            f"{label} {value}"
            for label, value in (("found", found), ("expected", expected))
            if value is not None
        ]
        text = ": ".join([*places, problem])
        if facts:
            text += f" ({', '.join(facts)})"
        if hint:
            text += f". {hint}"
        super().__init__(text)


class OutputError(KilolandError):
    """An output that could not be written; what existed before is untouched."""

    exit_code = ExitCode.OUTPUT


class BalanceError(KilolandError):
    """A balance that does not close; the message names column, step and the terms of the budget."""

    exit_code = ExitCode.BALANCE


class Interrupted(KilolandError):
    """A signal asked the job to stop and it stopped at a safe point."""

    exit_code = ExitCode.INTERRUPTED
