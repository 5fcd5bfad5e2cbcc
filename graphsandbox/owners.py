"""Whom a background sandbox lives for: it ends when the last of these processes has.

A process is known by its number and its start, because numbers are used again.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Owner:
    """One process that uses the sandbox."""

    pid: int
    started: float

    def lives(self) -> bool:
        """Say whether it runs; a zombie has ended, though nobody has collected it yet."""
        return _started(self.pid) == self.started


def _started(pid: int) -> float | None:
    """Return when the process with this number began, or None when there is none."""
    import psutil  # only sandboxes in the background pay for this import

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.AccessDenied:  # it exists; another user's process on some systems
        return 0.0
    except psutil.Error:
        return None


class Owners:
    """The owners of one sandbox; one started by hand has none, and takes none."""

    def __init__(self, first: int | None = None):
        self._owned = first is not None
        self._owners: set[Owner] = set()
        self._ending = False
        if first is not None:
            self.add(first)

    def add(self, pid: int) -> bool:
        """Let the sandbox live for this process too; False when it is too late for that."""
        started = _started(pid) if self._owned else None
        if started is not None and not self._ending:
            self._owners.add(Owner(pid, started))
        return not self._ending

    def all_gone(self) -> bool:
        """Say whether the sandbox has outlived its owners; from then on it takes no other."""
        self._owners = {one for one in self._owners if one.lives()}
        self._ending = self._owned and not self._owners
        return self._ending
