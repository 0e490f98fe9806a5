"""Loaded by Python at its start when this folder is on its path: a disk that fills up, a process that ends.

``KILOLAND_FAULT=kind:number:folder`` acts at the so-many-th system call that changes something in the folder:

* ``kill``: the process is killed before the call, ``after``: after it;
* ``full``: half of the bytes of a write arrive, then nothing can be written any more;
* ``stop``: SIGTERM comes;
* ``limit``: from the start, no file may be longer than so many bytes;
* ``count``: nothing happens.

What was done at which call is appended to the file ``KILOLAND_FAULT_NOTE``; at the end the number of calls.
"""

import atexit
import errno
import os
import resource
import signal

_kind, _number, _folder = os.environ.get("KILOLAND_FAULT", "::").split(":", 2)
_calls, _full, _files = 0, False, {}


def _note(text):
    with open(os.environ["KILOLAND_FAULT_NOTE"], "a") as stream:
        stream.write(text + "\n")


def _inside(path):
    return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(_folder)


def _wrap(name, concerns, grows):
    real = getattr(os, name)

    def call(*arguments, **keywords):
        global _calls, _full
        place = concerns(*arguments)
        if not place:
            return real(*arguments, **keywords)
        _calls += 1
        now = _calls == int(_number)
        if now:
            _note(f"{_kind} {name} {os.path.basename(os.fspath(place))}")
        if now and _kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if now and _kind == "stop":
            os.kill(os.getpid(), signal.SIGTERM)
        if _kind == "full" and grows and (now or _full):
            if now and name == "pwrite" and len(arguments[1]) > 1:
                _full = True
                descriptor, data, offset = arguments
                return real(descriptor, data[: len(data) // 2], offset)
            _full = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))
        _full = _full or (now and _kind == "full")
        try:
            result = real(*arguments, **keywords)
        finally:
            if now and _kind == "after":
                os.kill(os.getpid(), signal.SIGKILL)
        if name == "open":
            _files[result] = place
        return result

    setattr(os, name, call)


def _created(path, flags, *rest):
    return path if _inside(path) and flags & (os.O_CREAT | os.O_DIRECTORY) else None


def _known(descriptor, *rest):
    return _files.get(descriptor)


def _named(path, *rest):
    return path if _inside(path) else None


if _kind == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(_number), int(_number)))
elif _kind:
    _wrap("open", _created, grows=True)
    for _name in ("pwrite", "ftruncate", "fsync"):
        _wrap(_name, _known, grows=True)
    for _name in ("replace", "unlink", "rmdir"):
        _wrap(_name, _named, grows=False)
    _wrap("mkdir", _named, grows=True)
    atexit.register(lambda: _note(f"calls {_calls}"))
