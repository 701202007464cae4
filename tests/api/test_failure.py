"""The words for a connection that was not made."""

from __future__ import annotations

import ssl

import httpx
import pytest

from exporter.api.failure import refusal


def caused_by(*causes: Exception) -> httpx.ConnectError:
    error = httpx.ConnectError("marked text")
    error.__cause__ = OSError("marked text")
    error.__cause__.__cause__ = causes[0] if len(causes) == 1 else ExceptionGroup("", causes)
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (caused_by(ConnectionRefusedError()), "no connection: connection refused"),
        (caused_by(TimeoutError(), ConnectionRefusedError()), "no connection: connection refused"),
        (caused_by(BrokenPipeError()), "no connection: connection reset"),
        (caused_by(ssl.SSLError()), "no connection: TLS: no common ground"),
        (caused_by(OSError("marked text")), "no connection (ConnectError)"),
    ],
    ids=["refused", "several-attempts", "broken-pipe", "tls", "unknown"],
)
def test_the_cause_is_told_and_nothing_of_its_text(error: Exception, words: str) -> None:
    assert refusal(error) == words


def test_causes_that_go_round_in_a_circle_come_to_an_end() -> None:
    one, two = OSError(), OSError()
    one.__cause__, two.__cause__ = two, one

    assert refusal(one) == "no connection (OSError)"
