"""Restart sets: several files that count only together.

Order of events: the members get their names, then the manifest, then the pointer ``rpointer.lnd`` flips,
then older sets go. A run that stops anywhere in between finds the newest set whose manifest verifies.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kiloland.errors import InputError
from kiloland.files.atomic import output_error, remove_stale_temporaries, sync_folder, write_text
from kiloland.files.manifest import (
    Manifest,
    described,
    manifests_in,
    read_manifest,
    text_sha256,
    write_manifest,
)
from kiloland.files.provenance import git_commit, software_versions

logger = logging.getLogger(__name__)

POINTER = "rpointer.lnd"
"""The pointer that E3SM reads: its first line is the name of the land restart file."""


class RestartSet:
    """One restart set in the making; use it in a ``with`` statement on one rank.

    Parameters
    ----------
    folder, label
        Run directory and model date of the set, such as ``0001-01-06-00000``.
    configuration
        Text of the configuration; it and its SHA-256 go into the manifest.
    metadata
        Further facts for the manifest (anything that JSON can hold).
    pointer
        Member that the pointer names; by default the first one.
    keep
        How many sets stay, this one included.

    Raises ``InputError`` for a member that is missing or lies elsewhere, ``OutputError`` where the disk
    refuses; the earlier sets and the pointer are then as they were.

    Examples
    --------
    >>> with RestartSet(folder, "0001-01-06-00000", configuration=text) as restart:
    ...     write_dataset(restart.path("elm.r", "case.elm.r.0001-01-06-00000.nc"), schema, arrays)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        label: str,
        *,
        configuration: str = "",
        metadata: Mapping[str, Any] | None = None,
        pointer: str | None = None,
        keep: int = 2,
    ) -> None:
        if keep < 1:
            raise InputError("at least one restart set must be kept", found=keep)
        self.folder, self.label, self.pointer, self.keep = Path(folder), label, pointer, keep
        self.facts = {
            "software": software_versions(),
            "git": git_commit(),
            "configuration": {"sha256": text_sha256(configuration), "text": configuration},
            "metadata": dict(metadata or {}),
        }
        self.members: dict[str, Path] = {}

    def path(self, member: str, file_name: str) -> Path:
        """Register a member and say where it must be written."""
        if "/" in file_name or member in self.members:
            raise InputError(
                "a member needs a name of its own inside the folder", file=file_name, variable=member
            )
        self.members[member] = self.folder / file_name
        return self.members[member]

    def finish(self) -> Manifest:
        """Write the manifest, flip the pointer, delete older sets."""
        if not self.members:
            raise InputError("a restart set needs a member", file=self.folder, where=f"set {self.label}")
        for path in self.members.values():
            if not path.is_file():
                raise InputError("a member of the restart set was not written", file=path)
        first = self.pointer or next(iter(self.members))
        if first not in self.members:
            raise InputError("the pointer names no member", variable=first, expected=", ".join(self.members))
        members = {name: described(path) for name, path in self.members.items()}
        manifest = write_manifest(self.folder, self.label, members, self.facts)
        write_text(self.folder / POINTER, f"./{self.members[first].name}\n{manifest.name}\n")
        delete_older_sets(self.folder, self.keep, self.label)
        remove_stale_temporaries(self.folder)
        return read_manifest(manifest)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()


def write_restart_set(
    folder: str | os.PathLike[str],
    label: str,
    members: Mapping[str, str | os.PathLike[str]],
    *,
    configuration: str = "",
    metadata: Mapping[str, Any] | None = None,
    pointer: str | None = None,
    keep: int = 2,
) -> Manifest:
    """Make a set of files that are written already and lie in ``folder``, see ``RestartSet``."""
    restart = RestartSet(
        folder, label, configuration=configuration, metadata=metadata, pointer=pointer, keep=keep
    )
    for name, path in members.items():
        if Path(path).resolve().parent != Path(folder).resolve():
            raise InputError(
                "a member lies outside of the folder of its set", file=Path(path), expected=folder
            )
        restart.path(name, Path(path).name)
    return restart.finish()


def newest_complete_set(folder: str | os.PathLike[str]) -> Manifest | None:
    """The newest set whose manifest, sizes and checksums are right; None where there is no set at all.

    Every set that is passed over is logged as a warning with what is wrong. Raises ``InputError`` where
    sets exist and none is complete.
    """
    found = manifests_in(Path(folder))
    problems = []
    for path in found:
        try:
            manifest = read_manifest(path)
            manifest.verify()
        except InputError as error:
            problems.append(str(error))
            logger.warning("restart set passed over: %s", error)
            continue
        return manifest
    if not problems:
        return None
    raise InputError(
        "no restart set is complete",
        file=Path(folder),
        found="; ".join(problems),
        hint="Start anew or restore a set",
    )


def delete_older_sets(folder: Path, keep: int, current: str) -> list[Path]:
    """Delete all but the ``keep`` newest sets, each manifest before its members; returns what went.

    The ``current`` set counts as the newest whatever its label. A file that a kept set also names stays;
    so does a set whose manifest cannot be read.
    """
    readable: list[Manifest] = []
    for path in manifests_in(folder):
        try:
            readable.append(read_manifest(path))
        except InputError as error:
            logger.warning("left alone: %s", error)
    readable.sort(key=lambda manifest: manifest.label != current)
    kept = {manifest.file(name) for manifest in readable[:keep] for name in manifest.members}
    gone = []
    for manifest in readable[keep:]:
        files = [manifest.path, *(f for f in map(manifest.file, manifest.members) if f not in kept)]
        for number, file in enumerate(files):
            try:
                file.unlink(missing_ok=True)
                if number == 0:
                    sync_folder(folder)
            except OSError as error:
                raise output_error(file, error) from None
        gone += files
    return gone
