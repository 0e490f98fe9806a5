"""The manifest of a restart set: which files, how long, with which checksums, written by what."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiloland.errors import InputError
from kiloland.files.atomic import write_text

PREFIX, SUFFIX = "manifest.", ".json"
FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """One restart set as its manifest describes it; ``members`` maps a name to file, bytes and sha256."""

    path: Path
    label: str
    members: dict[str, dict[str, Any]]
    content: dict[str, Any]

    def file(self, member: str) -> Path:
        """Where a member lies."""
        return self.path.parent / str(self.members[member]["file"])

    def verify(self) -> None:
        """Raise ``InputError`` naming the first member that is missing, of another size, or damaged."""
        for name, facts in self.members.items():
            file = self.file(name)
            if not file.is_file():
                raise InputError(
                    "a member of the restart set is missing", file=file, where=f"set {self.label}"
                )
            if file.stat().st_size != facts["bytes"]:
                raise InputError(
                    "a member of the restart set has another size",
                    file=file,
                    where=f"set {self.label}",
                    found=f"{file.stat().st_size} bytes",
                    expected=f"{facts['bytes']} bytes",
                )
        for name, facts in self.members.items():
            found = file_sha256(self.file(name))
            if found != facts["sha256"]:
                raise InputError(
                    "a member of the restart set is damaged",
                    file=self.file(name),
                    where=f"set {self.label}",
                    found=f"sha256 {found[:12]}",
                    expected=f"sha256 {str(facts['sha256'])[:12]}",
                )


def manifest_path(folder: Path, label: str) -> Path:
    """Name of the manifest of a set."""
    return folder / f"{PREFIX}{label}{SUFFIX}"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from None
    return digest.hexdigest()


def text_sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def described(path: Path) -> dict[str, Any]:
    """File name, size and checksum of a member that is complete."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": file_sha256(path)}


def write_manifest(
    folder: Path, label: str, members: dict[str, dict[str, Any]], facts: dict[str, Any]
) -> Path:
    """Write the manifest of a set, sealed with a checksum of its own content."""
    content = {"format": FORMAT, "label": label, "members": members, **facts}
    content["seal"] = seal(content)
    path = manifest_path(folder, label)
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def seal(content: dict[str, Any]) -> str:
    """SHA-256 of the content in a fixed spelling, the seal itself left out."""
    plain = {key: value for key, value in content.items() if key != "seal"}
    return text_sha256(json.dumps(plain, sort_keys=True))


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file. Raises ``InputError`` naming the file where it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from None
    except ValueError as error:
        raise InputError("the manifest is damaged", file=path, found=error) from None
    if not isinstance(content, dict) or content.get("seal") != seal(content):
        raise InputError("the manifest does not match its own checksum", file=path)
    if content.get("format") != FORMAT:
        raise InputError(
            "the manifest has an unknown format", file=path, found=content.get("format"), expected=FORMAT
        )
    return Manifest(path, content["label"], content["members"], content)


def manifests_in(folder: Path) -> list[Path]:
    """Manifests of a folder, the newest label first; numbers in labels compare as numbers."""
    found = folder.glob(f"{PREFIX}*{SUFFIX}")
    return sorted(found, key=lambda path: label_order(path.name), reverse=True)


def label_order(label: str) -> tuple[tuple[int, str], ...]:
    """Key that puts ``r.9999-01-01`` before ``r.10000-01-01``."""
    parts = re.split(r"(\d+)", label)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
