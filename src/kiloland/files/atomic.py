"""Files that appear whole or not at all.

Every output is written to a temporary name in its own folder, synced, and renamed; then the folder is
synced. Whoever looks under the final name finds the earlier file or the complete new one.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import socket
from pathlib import Path

from kiloland.errors import OutputError

logger = logging.getLogger(__name__)

TEMPORARY = ".kiloland-tmp-"
"""Every temporary is named ``<final name>.kiloland-tmp-<pid>-<host>-<random>``."""

_NAME = re.compile(re.escape(TEMPORARY) + r"(?P<pid>\d+)-(?P<host>.+)-[0-9a-f]{6}$")
_in_use: set[Path] = set()


def host_name() -> str:
    """Name of this machine without its domain."""
    return socket.gethostname().split(".")[0] or "localhost"


def process_alive(pid: int) -> bool:
    """Whether a process of this number exists on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def output_error(path: Path, error: OSError, needed: int | None = None) -> OutputError:
    """The error for a write that failed: which file, why, how much was needed and how much is free."""
    facts = [error.strerror or str(error)]
    if needed is not None:
        facts.append(f"{needed} bytes needed")
    try:
        facts.append(f"{shutil.disk_usage(path.parent).free} bytes free")
    except OSError:
        facts.append("its folder cannot be reached")
    return OutputError(
        f"{path}: cannot be written ({', '.join(facts)}). An earlier file of this name is intact"
    )


def temporary_for(path: Path) -> Path:
    """A fresh temporary name beside ``path``."""
    return path.with_name(f"{path.name}{TEMPORARY}{os.getpid()}-{host_name()}-{secrets.token_hex(3)}")


def create_temporary(path: Path, needed: int | None = None) -> tuple[Path, int]:
    """Create the temporary of ``path``: its name and a descriptor open for reading and writing."""
    temporary = temporary_for(path)
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise output_error(path, error, needed) from None
    _in_use.add(temporary)
    return temporary, descriptor


def publish(temporary: Path, path: Path) -> None:
    """Give a finished and synced temporary its final name, and sync the folder."""
    try:
        os.replace(temporary, path)
        _in_use.discard(temporary)
        sync_folder(path.parent)
    except OSError as error:
        raise output_error(path, error) from None


def discard(temporary: Path) -> None:
    """Remove a temporary; one that is gone already is no problem."""
    _in_use.discard(temporary)
    removed(temporary)


def removed(temporary: Path) -> bool:
    """Whether the temporary is gone; a system that refuses to remove it is reported, nothing more."""
    try:
        temporary.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s cannot be removed: %s", temporary, error.strerror)
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_fully(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all bytes at ``offset``; the system may take them in several pieces."""
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a small file atomically. Raises ``OutputError``; an earlier file of the name is then intact."""
    file = final_path(path)
    temporary, descriptor = create_temporary(file, len(content))
    try:
        try:
            write_fully(descriptor, memoryview(content), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        publish(temporary, file)
    except OSError as error:
        raise output_error(file, error, len(content)) from None
    finally:
        discard(temporary)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a small UTF-8 text file atomically, see ``write_bytes``."""
    write_bytes(path, text.encode("utf-8"))


def final_path(path: str | os.PathLike[str]) -> Path:
    """Where a file really goes: a symbolic link is followed, so that the link survives."""
    return Path(os.path.realpath(path))


def remove_stale_temporaries(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove what killed processes of this machine left in ``folder``; returns what was removed.

    Temporaries of living processes and of other machines stay.
    """
    gone = []
    for entry in sorted(Path(folder).glob(f"*{TEMPORARY}*")):
        match = _NAME.search(entry.name)
        if match is None or match["host"] != host_name() or entry in _in_use:
            continue
        pid = int(match["pid"])
        if (pid == os.getpid() or not process_alive(pid)) and removed(entry):
            gone.append(entry)
            logger.info("removed %s, left behind by a process that was stopped", entry)
    return gone
