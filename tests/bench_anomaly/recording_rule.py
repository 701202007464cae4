"""The same z-score as a recording rule of Prometheus, on this machine, in this run."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import numpy as np

from scripts.children import LOOPBACK, free_port

# The last hour at 30 s is the window of 120; the offset leaves the present value out of it.
RULE: Final = "(m - avg_over_time(m[1h] offset 30s)) / stddev_over_time(m[1h] offset 30s)"
STEP_S: Final = 30
SAMPLES: Final = 122
BEGIN: Final = 1_750_000_020
DEADLINE_S: Final = 60.0
REPEATS: Final = 5


def seconds(prometheus: Path, promtool: Path, series: int) -> float:
    """Return the seconds of one evaluation over *series* series, the best of some."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _fill(folder, promtool, series)
        (folder / "prometheus.yml").write_text("{}\n", "utf-8")
        address = f"{LOOPBACK}:{free_port()}"
        command = [
            str(prometheus),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            "--log.level=error",
        ]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
        try:
            return _asked(f"http://{address}", series)
        finally:
            server.terminate()
            server.wait(DEADLINE_S)


def _fill(folder: Path, promtool: Path, series: int) -> None:
    """Make blocks of an hour of normal noise."""
    values = np.random.default_rng(1).normal(100, 5, (series, SAMPLES))
    with (folder / "history").open("w", encoding="utf-8") as history:
        history.write("# TYPE m gauge\n")
        for at, row in enumerate(values.tolist()):
            history.writelines(
                f'm{{i="{at}"}} {value:.4f} {BEGIN + STEP_S * n}\n' for n, value in enumerate(row)
            )
        history.write("# EOF\n")
    words = ("tsdb", "create-blocks-from", "openmetrics", folder / "history", folder / "data")
    subprocess.run(  # noqa: S603 - Prometheus's own tool
        [str(promtool), *map(str, words)], check=True, stdout=subprocess.DEVNULL
    )


def _asked(url: str, series: int) -> float:
    # count() keeps the answer small: what is timed is the evaluation, not its JSON.
    query = {"query": f"count({RULE})", "time": str(BEGIN + STEP_S * (SAMPLES - 1))}
    with httpx.Client(base_url=url, trust_env=False, timeout=DEADLINE_S) as client:
        until = time.monotonic() + DEADLINE_S
        while not _ready(client):
            if time.monotonic() > until:
                message = f"prometheus at {url} did not become ready"
                raise TimeoutError(message)
            time.sleep(0.1)
        taken = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            answer = client.get("/api/v1/query", params=query).raise_for_status().json()
            taken.append(time.perf_counter() - begin)
            if answer["data"]["result"][0]["value"][1] != str(series):
                message = f"prometheus at {url}: not {series} z-scores: {answer}"
                raise ValueError(message)
    return min(taken)


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False
