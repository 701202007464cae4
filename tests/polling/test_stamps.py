"""Which answers are new: caches repeat theirs and take turns, and clocks are put back."""

from __future__ import annotations

import pytest

from exporter.polling.stamps import BELIEVED, Stamps


def moved(*made_at: float | None, stamps: Stamps | None = None) -> str:
    """Return a letter for each answer: n for a new one, - for one that is not."""
    stamps = stamps or Stamps()
    return "".join("n" if stamps.moved("health", one) else "-" for one in made_at)


@pytest.mark.parametrize(
    ("made_at", "expected"),
    [
        ([100, 130, 160], "nnn"),
        ([100, 100, 100, 130], "n--n"),
        ([None, None], "nn"),
        ([100, None, 100], "nnn"),
        ([100, 70, 100, 70, 100, 70, 100, 70, 100, 70], "n---------"),
        ([100, 70, 130, 100, 160, 130, 190, 160, 220, 190, 250], "n-n-n-n-n-n"),
        ([100, *[70] * 20], "n" + "-" * 20),
    ],
    ids=[
        *("in order", "repeated", "without a time", "once without a time"),
        *("two caches that stand", "two caches that move", "one that stands still"),
    ],
)
def test_only_a_newer_answer_is_a_new_one(made_at: list[float | None], expected: str) -> None:
    assert moved(*made_at) == expected


def test_a_clock_that_was_put_back_is_believed_after_some_answers_and_repeats_do_not_count() -> (
    None
):
    assert BELIEVED == 5
    assert moved(1000, 10, 40, 40, 70, 70, 100, 130, 160, 160, 190) == "n------nn-n"


def test_a_clock_that_is_put_back_twice_is_believed_too() -> None:
    assert moved(1000, 500, 530, 560, 10, 40, 70, 100, 130, 160) == "n-------nn"


def test_who_takes_turns_with_the_newest_is_never_believed() -> None:
    turns = [at for n in range(50) for at in (1000.0, 500.0 + n, 501.0 + n)]

    assert moved(*turns) == "n" + "-" * (len(turns) - 1)


def test_endpoints_do_not_share_their_times_and_a_restart_does_not_forget_them() -> None:
    stamps = Stamps({"health": 100.0})

    assert stamps.moved("cache", 50.0)
    assert moved(100.0, 130.0, stamps=stamps) == "-n"
    assert stamps.made_at == {"health": 130.0, "cache": 50.0}
