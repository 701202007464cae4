"""The benchmark's own arithmetic: a wrong ruler would measure nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.bench_anomaly import families, faults, scoring
from tests.bench_anomaly.candidates import CANDIDATES, Candidate
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_flags_within_ten_minutes_are_one_alarm() -> None:
    flags = np.zeros((200, 3), np.bool_)
    flags[[10, 30, 50], 0] = True
    flags[[10, 31, 52], 1] = True

    assert scoring._episodes(flags).tolist() == [1.0, 3.0, 0.0]


def test_the_threshold_is_the_lowest_that_keeps_the_budget() -> None:
    """Two series of a week with scores 1 to 5 in each, an hour apart: four of ten are above 3."""
    scores = np.zeros((scoring.LEARNING + scoring.WEEK, 2))
    scores[scoring.LEARNING :: scoring.WEEK // 5] = np.arange(5)[:, None] + 1.0
    scores[0] = 9.0

    threshold = scoring._threshold(scores, 2.0)

    assert 3.0 < threshold <= 4.0
    assert scoring._threshold(scores, 0.1) > 5.0


def test_the_same_seed_makes_the_same_series() -> None:
    for family in families.NORMAL:
        one, same, other = (
            family(families.rng_of(family.__name__, seed), 1_000).values for seed in (1, 1, 2)
        )
        assert np.array_equal(one, same, equal_nan=True)
        assert family is families.constant or not np.array_equal(one, other, equal_nan=True)


def test_each_fault_leaves_what_came_before_as_it_was() -> None:
    for case in faults.cases(range(1)):
        before = case.values[: faults.BEGIN]
        assert np.isfinite(case.values).all()
        if not case.fault.incident:
            spread = before[faults.EARLIER : faults.EARLIER + 20]
            assert spread.max() < before.max() * 1.01


def test_the_level_that_stays_begins_after_eighteen_days() -> None:
    for values in faults.lasting(range(1)):
        before, after = values[: faults.LASTING_BEGIN], values[faults.LASTING_BEGIN :]
        assert len(after) == 3 * families.DAY
        shift = (after.mean() - before.mean()) / before.std()
        assert shift == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_every_candidate_sees_a_value_a_thousand_deviations_off(candidate: Candidate) -> None:
    values = np.random.default_rng(1).normal(50, 1, (3_000, 2))
    values[-1, 0] += 1_000
    values[100, 1] = np.nan
    detector = candidate.make(2)

    for n, row in enumerate(values):
        scores = detector.update_many(np.full(2, 1.75e9 + 30 * n), row)

    assert scores[0] >= candidate.threshold > scores[1]


def test_without_its_folder_it_says_that_nab_is_not_measured() -> None:
    environ = {name: text for name, text in os.environ.items() if name != "ANOMALY_BENCH_DIR"}

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench_anomaly", "--parts", "shared"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert " ".join(done.stdout.split()) == (
        "NAB is not measured: ANOMALY_BENCH_DIR does not name its benchmark, the folder that has"
        " bench_anomaly.py."
    )


def test_a_folder_without_the_benchmark_is_named_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench_anomaly"],
        cwd=ROOT,
        env={**os.environ, "ANOMALY_BENCH_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    expected = f"ANOMALY_BENCH_DIR: {tmp_path}: has no bench_anomaly.py\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)
