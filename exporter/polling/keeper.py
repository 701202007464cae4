"""Keeps what the detectors have learnt in a folder, so that a restart does not begin anew."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile, ZipFile

import numpy as np

from exporter.logs import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from exporter.polling.anomalies import Anomalies

# What was usual two weeks ago need not be usual now.
_AGE_MAX_S: Final = 14 * 86_400.0
# Far more than any number of series comes to; a file of that size is not ours.
_BYTES_MAX: Final = 2**30
_DETAIL_MAX: Final = 200
# Who writes a file for longer than this does not write any more.
_SAVING_MAX_S: Final = 60.0

_log = Log(__name__)


class Keeper:
    """
    The files of a state folder, one for each target.

    A file is written beside the old one and then takes its place: whatever interrupts it, one of
    the two is whole.

    Attributes:
        folder: Made when it is first written to.

    Args:
        wall: Unix time.
    """

    def __init__(self, folder: Path, *, wall: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._wall = wall
        self._failed = False

    def restore(self, target: str, anomalies: Anomalies) -> bool:
        """Let *anomalies* go on where they were; say why in the log when that cannot be."""
        path = self._path(target)
        with suppress(OSError):
            _sweep(path)
        try:
            anomalies.restore(_read(path), after=self._wall() - _AGE_MAX_S)
        except FileNotFoundError:
            _log.info("anomaly state", target=target, file=str(path), found=False)
        # Values come first: whatever a file does to who reads it, the exporter begins without it.
        except Exception as error:  # noqa: BLE001
            detail = _reason(error)
            _log.warning("anomaly state begins anew", target=target, file=str(path), detail=detail)
        else:
            anomalies.note_restored(restored=True)
            return True
        anomalies.note_restored(restored=False)
        return False

    async def save(self, all_anomalies: Mapping[str, Anomalies]) -> None:
        """Save the state of each target; a failure is logged once, and when it is over."""
        now = self._wall()
        states = {name: anomalies.state(now) for name, anomalies in all_anomalies.items()}
        try:
            # In a thread: the disk may be slow, and the states are copies.
            await asyncio.to_thread(self._write_all, states)
        except OSError as error:
            if not self._failed:
                detail = error.strerror or type(error).__name__
                _log.error("anomaly state cannot be saved", file=str(self.folder), detail=detail)
            self._failed = True
            return
        if self._failed:
            _log.info("anomaly state is saved again", file=str(self.folder))
        self._failed = False
        for anomalies in all_anomalies.values():
            anomalies.note_saved(now)

    def _write_all(self, states: Mapping[str, dict[str, NDArray[Any]]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, state in states.items():
            _write(self._path(name), state)

    def _path(self, target: str) -> Path:
        return self.folder / f"anomalies-{target}.npz"


def _reason(error: Exception) -> str:
    """Say in words of our own, or of those who know files, what was wrong."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    known = str(error) if isinstance(error, (ValueError, BadZipFile)) else ""
    # What NumPy says may quote all that it has found.
    return known[:_DETAIL_MAX] or type(error).__name__


def _read(path: Path) -> dict[str, NDArray[Any]]:
    about = path.stat()
    mistake = ""
    if not S_ISREG(about.st_mode):
        # Who opens a pipe waits for its writer.
        mistake = "not a file"
    elif about.st_size > _BYTES_MAX:
        mistake = "larger than any state"
    else:
        with ZipFile(path) as archive:
            # We compress nothing: what is inside is not larger than the whole.
            if sum(one.file_size for one in archive.infolist()) > about.st_size:
                mistake = "holds more than it is long"
    if mistake:
        raise ValueError(mistake)
    # Never pickled objects: they would run whatever somebody put into the file.
    with np.load(path, allow_pickle=False) as saved:
        return {name: saved[name] for name in saved.files}


def _sweep(path: Path) -> None:
    """Remove what is left of saves that were killed; one that is under way is younger."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    before = time.time() - _SAVING_MAX_S
    for one in path.parent.iterdir():
        if pattern.fullmatch(one.name) and one.stat().st_mtime < before:
            one.unlink()


def _write(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **state)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    # The new name is on the disk only when the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
