"""One run per directory."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kiloland.errors import InputError
from kiloland.files.atomic import host_name, output_error, process_alive

logger = logging.getLogger(__name__)

LOCK_NAME = ".kiloland-lock"


class RunLock:
    """Holds a run directory for this process; use it in a ``with`` statement on rank 0.

    The lock is a file with host, process and start time that is also locked in the system, so that a killed
    run frees it. Where the file system cannot lock, a lock of a dead process of this host is taken over. A
    lock of another host is respected until it is released or deleted.

    Raises ``InputError`` naming the directory and the other run.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.path = self.folder / LOCK_NAME
        self.descriptor = -1

    def acquire(self) -> None:
        """Take the lock or raise ``InputError``."""
        while True:
            descriptor = self.opened()
            try:
                self.check(descriptor)
                if os.fstat(descriptor).st_ino == inode(self.path):
                    self.write_owner(descriptor)
                    self.descriptor, descriptor = descriptor, -1
                    return
            finally:
                if descriptor >= 0:
                    os.close(descriptor)

    def opened(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise output_error(self.path, error) from None

    def check(self, descriptor: int) -> None:
        """Raise ``InputError`` where another run holds the lock; log where a dead one did."""
        free = locked(descriptor)
        owner = owner_of(os.pread(descriptor, 4096, 0))
        if free is False or (owner and alive(owner)):
            raise InputError(
                "two runs in one directory",
                file=self.folder,
                found=f"a run on {owner.get('host', '?')}, process {owner.get('pid', '?')}, "
                f"started {owner.get('started', '?')}",
                hint=f"Wait for it, or delete {self.path} if it is gone for certain",
            )
        if owner:
            logger.warning("%s: taking over from process %s, which is gone", self.folder, owner.get("pid"))

    def write_owner(self, descriptor: int) -> None:
        pid = os.getpid()
        owner = {
            "host": host_name(),
            "pid": pid,
            "born": birth(pid),
            "started": time.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(owner).encode(), 0)
            os.fsync(descriptor)
        except OSError as error:
            raise output_error(self.path, error) from None

    def release(self) -> None:
        """Give the directory free."""
        if self.descriptor >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.release()


def locked(descriptor: int) -> bool | None:
    """Whether the system gave us the lock; None where the file system cannot lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def owner_of(content: bytes) -> dict[str, Any]:
    """Who wrote the lock; empty for a lock that was cut off while it was written."""
    try:
        owner = json.loads(content)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def alive(owner: dict[str, Any]) -> bool:
    """Whether the owner may still run: it is on another host, or its process lives and is no later one."""
    if owner.get("host") != host_name():
        return True
    pid = owner.get("pid")
    return isinstance(pid, int) and process_alive(pid) and owner.get("born") == birth(pid)


def birth(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot, which tells it from a later one of its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def inode(path: Path) -> int | None:
    """Number of the file under a name; None where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
