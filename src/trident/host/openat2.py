"""openat2(2): open a path so that nothing in it, link or ``..``, leads out of a given root directory."""

from __future__ import annotations

import ctypes
import errno
import os

_SYSCALL = 437  # The same number on x86-64 and arm64 (Linux 5.6 and later).
_RESOLVE_IN_ROOT = 0x10
_RESOLVE_NO_MAGICLINKS = 0x02
_ATTEMPTS = 16


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_in_root(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open ``path`` as if the directory behind the descriptor ``root`` were ``/``.

    Absolute links and ``..`` are resolved inside the root, as ``chroot`` would.

    Args:
        root: descriptor of a directory.
        path: absolute or relative; both start at the root.
        flags: as for :func:`os.open`; ``O_CLOEXEC`` is added.
        mode: permissions of a file that ``O_CREAT`` creates, before the umask.

    Raises:
        OSError: as :func:`os.open`.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    how = _OpenHow(flags | os.O_CLOEXEC, mode, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    for _attempt in range(_ATTEMPTS):
        descriptor = libc.syscall(
            ctypes.c_long(_SYSCALL),
            ctypes.c_int(root),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if descriptor >= 0:
            return int(descriptor)
        code = ctypes.get_errno()
        # EAGAIN: a rename somewhere on the machine raced with ".."; the manual says to try again.
        if code not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(code, os.strerror(code), path)
