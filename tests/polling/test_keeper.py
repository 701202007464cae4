"""What the detectors have learnt outlives the process; what cannot be read ends nothing."""

from __future__ import annotations

import json
import logging
import math
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.polling.anomalies import Anomalies
from exporter.polling.keeper import Keeper
from exporter.polling.memory import VERSION
from exporter.settings import Settings
from tests.polling.test_anomalies import QUEUE, Scene, noisy, queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULE = (e.HEALTH, (m.MODULE_ERRORS, 1.0, "search"))
NOW = 1_800_010_000.0
DAY_S = 86_400.0
STORED = zipfile.ZIP_STORED


def keeper(folder: Path, at: float = NOW) -> Keeper:
    return Keeper(folder, wall=lambda: at)


def learnt() -> Scene:
    scene = Scene(mode="literal")
    queue(scene, *map(noisy, range(60)), 14.0)
    return scene


async def saved(folder: Path) -> Path:
    """Return the file of what one target has learnt."""
    await keeper(folder).save({"default": learnt().anomalies})
    return folder / "anomalies-default.npz"


def restored(folder: Path, target: str = "default", *, at: float = NOW, **anomaly: Any) -> Scene:
    """Return a new process's scene after it looked for a saved state."""
    scene = Scene(mode="literal", **anomaly)
    if target != "default":
        scene.anomalies = Anomalies(target, Settings())
    keeper(folder, at).restore(target, scene.anomalies)
    return scene


def was_restored(scene: Scene) -> float:
    return scene.shown(own.ANOMALY_STATE_RESTORED)[()]


async def test_a_restart_goes_on_as_if_there_had_been_none(tmp_path: Path) -> None:
    before = learnt()
    await keeper(tmp_path).save({"default": before.anomalies})
    after = restored(tmp_path)
    assert was_restored(after) == 1

    after.now = before.now
    for scene in (before, after):
        queue(scene, 12.0)
    assert after.samples(QUEUE) == 62
    assert after.active() == {(QUEUE, "spike", "high"), (QUEUE, "spike", "medium")}
    for metric in (own.ANOMALY_ZSCORE, own.ANOMALY_EXPECTED, own.ANOMALY_ACTIVE):
        assert before.shown(metric) == after.shown(metric)


async def test_an_answer_of_before_the_restart_is_no_new_sample_after_it(tmp_path: Path) -> None:
    before = Scene()
    before.answer(*MODULE, made_at=100.0)
    await keeper(tmp_path).save({"default": before.anomalies})
    after = Scene()
    keeper(tmp_path).restore("default", after.anomalies)

    after.answer(*MODULE, made_at=100.0)
    assert after.samples("ops_module_errors", "search") is None
    after.answer(*MODULE, made_at=130.0)
    assert after.samples("ops_module_errors", "search") == 2


async def test_when_it_was_saved_is_shown_and_nothing_else_lies_in_the_folder(
    tmp_path: Path,
) -> None:
    scene = learnt()
    one = keeper(tmp_path / "made" / "when needed")
    for _ in range(2):
        await one.save({"default": scene.anomalies})

    assert scene.shown(own.ANOMALY_STATE_SAVED) == {(): NOW}
    assert [path.name for path in one.folder.iterdir()] == ["anomalies-default.npz"]


def test_without_a_file_everything_begins_anew(tmp_path: Path) -> None:
    assert was_restored(restored(tmp_path)) == 0


def header_of(path: Path) -> dict[str, Any]:
    with np.load(path) as file:
        header: dict[str, Any] = json.loads(file["header"].tobytes())
    return header


def changed(path: Path, **fields: Any) -> None:
    """Change the header of a saved state."""
    with np.load(path) as file:
        state = dict(file)
    header = header_of(path) | fields
    state["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **state)


def without(path: Path, name: str) -> None:
    with np.load(path) as file:
        state = {key: array for key, array in file.items() if key != name}
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **state)


def flipped(path: Path) -> None:
    """Flip a bit amid the values, as a disk does."""
    data = bytearray(path.read_bytes())
    data[data.index(b"0.detectors.zscore.ring.npy") + 500] ^= 1
    path.write_bytes(data)


def pickled(path: Path) -> None:
    with path.open("wb") as out:
        np.save(out, np.array([object()], dtype=object), allow_pickle=True)


def filled(path: Path, name: str, value: float) -> None:
    """Fill one of the arrays of a state with *value*."""
    with np.load(path) as file:
        state = dict(file)
    state[name] = np.full_like(state[name], value)
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **state)


def other_labels(path: Path, labels: object) -> None:
    banks = header_of(path)["banks"]
    changed(path, banks=[bank | {"series": [[QUEUE, labels]]} for bank in banks])


def not_zipped(path: Path) -> None:
    with path.open("wb") as out:
        np.save(out, np.zeros(3))


def zipped(path: Path, data: bytes, *, length: int | None = None, how: int = STORED) -> None:
    """Write a member that says it is an array of bytes, *length* long."""
    shape = len(data) if length is None else length
    about = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape},)}}\n".encode()
    with zipfile.ZipFile(path, "w", how) as out:
        start = b"\x93NUMPY\x01\x00" + len(about).to_bytes(2, "little")
        out.writestr("header.npy", start + about + data)


def encrypted(path: Path) -> None:
    """Say so of the first member, in the directory at the end."""
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


BLOCKS = "0.detectors.baseline.watermarks.block_s"
SPOILT: dict[str, Callable[[Path], object]] = {
    "no zip archive": not_zipped,
    "an array larger than any memory": lambda path: zipped(path, b"", length=10**15),
    "an array longer than numbers go": lambda path: zipped(path, b"", length=10**30),
    "an array longer than the file": lambda path: zipped(path, b"", length=10**9),
    "much out of little": lambda path: zipped(path, bytes(10**6), how=zipfile.ZIP_DEFLATED),
    "encrypted": encrypted,
    "nested too deeply": lambda path: zipped(path, b"[" * 200_000),
    "a folder": a_folder,
    "a pipe": a_pipe,
    "one number that is none": lambda path: filled(path, BLOCKS, math.nan),
    "one number without end": lambda path: filled(path, BLOCKS, math.inf),
    "seen at no time": lambda path: filled(path, "0.seen", math.nan),
    "labels that are no list": lambda path: other_labels(path, 7),
    "labels that are no words": lambda path: other_labels(path, [7]),
    "more labels than the metric has": lambda path: other_labels(path, ["x"]),
    "saved at no time": lambda path: changed(path, saved_at=math.nan),
    "saved after the end of numbers": lambda path: changed(path, saved_at=10**400),
    "made after the end of numbers": lambda path: changed(path, made_at={"health": 10**400}),
    "made at no time": lambda path: changed(path, made_at={"health": math.nan}),
    "window without end": lambda path: changed(path, banks=[{"window": math.inf, "series": []}]),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
async def test_whatever_is_in_the_file_the_exporter_starts_and_says_so_once(
    tmp_path: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    spoil(await saved(tmp_path))

    with caplog.at_level(logging.WARNING):
        scene = restored(tmp_path)

    assert was_restored(scene) == 0
    [record] = caplog.records
    assert record.getMessage() == "anomaly state begins anew"
    assert 0 < len(record.fields["detail"]) <= 200  # type: ignore[attr-defined]
    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a state"),
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        flipped,
        pickled,
        lambda path: changed(path, version=VERSION + 1),
        lambda path: changed(path, format="another program's"),
        lambda path: changed(path, target="another"),
        lambda path: changed(path, banks=[{}]),
        lambda path: changed(path, banks=7),
        lambda path: changed(path, saved_at=None),
        lambda path: changed(path, literal=None, banks=[["workers", 120]]),
        lambda path: changed(path, banks=[{"owner": "workers", "window": 120, "series": []}]),
        lambda path: without(path, "header"),
        lambda path: without(path, "0.left"),
        lambda path: without(path, "0.detectors.views.count"),
    ],
    ids=[
        *("empty", "text", "cut", "a bit flipped", "pickled", "version", "format", "target"),
        *("bank of nothing", "no banks", "no time", "odd banks", "fewer series", "no header"),
        *("no left", "no count"),
    ],
)
async def test_a_state_that_cannot_be_used_means_a_fresh_start_and_a_line_in_the_log(
    tmp_path: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    spoil(await saved(tmp_path))

    with caplog.at_level(logging.WARNING):
        scene = restored(tmp_path)

    assert was_restored(scene) == 0
    assert [record.getMessage() for record in caplog.records] == ["anomaly state begins anew"]
    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 1


async def test_a_state_of_two_weeks_ago_is_too_old(tmp_path: Path) -> None:
    await saved(tmp_path)

    assert was_restored(restored(tmp_path, at=NOW + 13.9 * DAY_S)) == 1
    assert was_restored(restored(tmp_path, at=NOW + 14.1 * DAY_S)) == 0


async def test_targets_do_not_share_a_state(tmp_path: Path) -> None:
    await saved(tmp_path)

    assert was_restored(restored(tmp_path, target="other")) == 0


async def test_what_is_configured_now_counts_and_not_what_was_when_it_was_saved(
    tmp_path: Path,
) -> None:
    await saved(tmp_path)

    watch = {QUEUE: {"floor": 77, "direction": "down"}}
    state = restored(tmp_path, watch=watch).anomalies.state(NOW)

    assert state["0.detectors.options.floor"].tolist() == [77]
    assert state["0.detectors.options.direction"].tolist() == [-1]


async def test_a_metric_that_is_no_longer_watched_does_not_cost_the_others_theirs(
    tmp_path: Path,
) -> None:
    await saved(tmp_path)
    scene = restored(tmp_path, watch={QUEUE: {"enabled": False}})

    queue(scene, 10.0)

    assert was_restored(scene) == 1
    assert scene.samples(QUEUE) is None


async def test_a_folder_that_cannot_be_written_is_reported_once_and_again_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file is in the way")
    one, scene = keeper(folder), learnt()

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await one.save({"default": scene.anomalies})
        assert len(caplog.records) == 1
        assert not scene.shown(own.ANOMALY_STATE_SAVED)

        folder.unlink()
        for _ in range(2):
            await one.save({"default": scene.anomalies})
    assert len(caplog.records) == 2
    assert scene.shown(own.ANOMALY_STATE_SAVED) == {(): NOW}


async def test_a_save_that_fails_leaves_the_state_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await saved(tmp_path)
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    await keeper(tmp_path).save({"default": learnt().anomalies})

    assert path.read_bytes() == before
    assert [one.name for one in keeper(tmp_path).folder.iterdir()] == [path.name]


def names_in(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


async def test_what_a_killed_save_has_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    path = await saved(tmp_path)
    others = [
        "anomalies-default.npz.abcdefgh",
        ".anomalies-default.npz.abcdefghi",
        ".anomalies-another.npz.abcdefgh",
        ".anomalies-defaultXnpz.abcdefgh",
        ".mine",
    ]
    for name in (*others, ".anomalies-default.npz.ab_def01", ".anomalies-default.npz.underway"):
        (tmp_path / name).write_bytes(b"half")
        if not name.endswith("underway"):
            os.utime(tmp_path / name, (0.0, 0.0))

    assert was_restored(restored(tmp_path)) == 1

    assert names_in(tmp_path) == {path.name, ".anomalies-default.npz.underway", *others}


async def test_a_file_that_nobody_may_remove_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = await saved(tmp_path)
    left = left.with_name(f".{left.name}.abcdefgh")
    left.write_bytes(b"half")
    os.utime(left, (0.0, 0.0))

    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(type(left), "unlink", refused)
    assert was_restored(restored(tmp_path)) == 1
    assert left.exists()
