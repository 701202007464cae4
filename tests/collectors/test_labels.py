"""Label values: bounded, valid, and without what is nobody's business."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.labels import (
    job_id,
    key_pattern,
    label,
    repository,
    worker_name,
    worker_names,
)

any_text = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("search", "search"),
        ("", "(empty)"),
        (" ", " "),
        ("a" * 128, "a" * 128),
        ("a" * 129, "a" * 119 + "~" + sha256(b"a" * 129).hexdigest()[:8]),
        ("é" * 128, "é" * 128),
        ("é" * 129, "é" * 119 + "~" + sha256(("é" * 129).encode()).hexdigest()[:8]),
        ('quo"te\\ and\nline', 'quo"te\\ and\nline'),
        ("half \ud800 a pair", "half ? a pair"),
        ("😀", "😀"),
        ("nul\0", "nul\0"),
    ],
    ids=lambda value: f"{ascii(value)[:12]}{len(value)}",
)
def test_a_label_is_kept_as_it_is_as_far_as_it_can_be(text: str, expected: str) -> None:
    assert label(text) == expected


@given(any_text)
def test_a_label_is_never_empty_too_long_or_invalid(text: str) -> None:
    made = label(text)

    assert 0 < len(made) <= 128
    assert made.encode("utf-8").decode("utf-8") == made
    assert label(made) == made


@given(st.text(min_size=129), st.text(min_size=129))
def test_long_labels_that_begin_alike_stay_apart(one: str, two: str) -> None:
    assert (label("x" * 130 + one) == label("x" * 130 + two)) == (one == two)


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("search", "search"),
        ("user:1234:profile", "user:*:profile"),
        ("user:jane.doe@example.com:profile", "user:*:profile"),
        ("user:jane@localhost", "user:*"),
        ("mail=a@b@c.example", "*"),
        ("graph:0b7e2a9c-1111-4222-8333-444455556666", "graph:*"),
        ("graph:0B7E2A9C-1111-4222-8333-444455556666:x", "graph:*:x"),
        ("sha:9f86d081884c7d659a2feaa0c55ad015", "sha:*"),
        ("facade:deadbeef", "facade:deadbeef"),
        ("session:deadbeefcafe", "session:*"),
        ("session_DEADBEEFCAFE:x", "session_*:x"),
        ("deadbeefcafe", "*"),
        ("session:deadbeefcaf", "session:deadbeefcaf"),
        ("session:deadbeefcafes", "session:deadbeefcafes"),
        ("x1deadbeefcafe", "x*"),
        ("user:jane%40example.com:profile", "user:*:profile"),
        ("user%3Ajane%40example.com%3aprofile", "user:*:profile"),
        ("user:jane%2540example.com", "user:*"),
        ("search:100%25", "search:*%*"),
        ("price:12.50", "price:*"),
        ("range:1,2,3-4", "range:*"),
        ("v2:items:77", "v*:items:*"),
        ("tail:\uff11\uff12", "tail:*"),  # digits of another script are digits
        ("", ""),
    ],
)
def test_a_key_loses_what_tells_users_and_rows_apart(key: str, pattern: str) -> None:
    assert key_pattern(key) == pattern


@given(st.one_of(any_text, st.text("aAfF0*@%4253:/ ._-x", max_size=60)))
def test_a_pattern_has_no_digit_and_no_second_pattern(key: str) -> None:
    pattern = key_pattern(key)

    assert not any(c.isdecimal() for c in pattern)
    assert key_pattern(pattern) == pattern


def test_a_long_key_does_not_hold_up_the_exporter() -> None:
    """A pattern that looks back at each letter would take hours for these, and stop all polls."""
    parts = ["a", "a.", "1", "*", "a@", "f0", "@", "1,", "- ", "%25", "25", "a%40", "%2540"]
    program = (
        "from exporter.collectors.labels import key_pattern\n"
        f"for part in {parts}: key_pattern('%' + part * 300_000)"
    )

    # The time is there to end a test that would not end.
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)  # noqa: S603


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/o/r", "github.com/o/r"),
        ("github.com/o/r", "github.com/o/r"),
        ("HTTPS://GitHub.COM/O/R/", "github.com/O/R"),
        (" https://github.com/o/r.git\n", "github.com/o/r.git"),
        ("https://s3cret@github.com/o/r", "github.com/o/r"),
        ("https://user:s3cret@github.com/o/r", "github.com/o/r"),
        ("https://user:s3@cret@github.com/o/r", "github.com/o/r"),
        ("https://user:s3/cret@github.com/o/r", "github.com/o/r"),
        ("https://user:s3?cret@github.com/o/r", "github.com/o/r"),
        ("https://user:s3#cret@github.com/o/r", "github.com/o/r"),
        ("https:/user:s3cret@github.com/o/r", "github.com/o/r"),
        ("user:s3cret@github.com/o/r", "github.com/o/r"),
        ("https://github.com/o/r?token=s3cret", "github.com/o/r"),
        ("https://github.com/o/r#s3cret", "github.com/o/r"),
        ("https://github.com/o/r?mail=a@b.example", "github.com/o/r"),
        ("https://git.example:8443/o/r", "git.example:8443/o/r"),
        ("ssh://git@github.com:22/o/r", "github.com:22/o/r"),
        ("git@github.com:o/r.git", "github.com/o/r.git"),
        ("https://[::1]:8080/o/r", "[::1]:8080/o/r"),
        ("https://github.com/o/r@v1", "github.com/o/r@v1"),
        ("ftp://x.example/y", "x.example/y"),
        ("https%3A%2F%2Fuser%3As3cret%40GitHub.com%2Fo%2FR", "github.com/o/R"),
        ("https%3a%2f%2fuser%3as3cret%40github.com%2fo%2fr", "github.com/o/r"),
        ("https%253A%252F%252Fuser%253As3cret%2540github.com%252Fo%252Fr", "github.com/o/r"),
        ("https://user%3As3cret%40github.com/o/r", "github.com/o/r"),
        ("https://user:s3%2Fcret@github.com/o/r", "github.com/o/r"),
        ("https://user:12%2Fs3cret@github.com/o/r", "github.com/o/r"),
        ("https://12%2Fs3cret@github.com/o/r", "github.com/o/r"),
        ("https:/%2Fuser%3As3cret%40github.com/o/r", "github.com/o/r"),
        ("https%3A//user:s3cret@github.com/o/r", "github.com/o/r"),
        ("user:s3cret%40github.com/o/r", "github.com/o/r"),
        ("//user:s3cret@github.com/o/r", "github.com/o/r"),
        ("https%3A%2F%2Fgithub.com%2Fo%2Fr%3Ftoken%3Ds3cret", "github.com/o/r"),
        ("https://github.com/o/r%3Ftoken=s3cret", "github.com/o/r"),
        ("https://github.com/o/r%23s3cret", "github.com/o/r"),
        ("github.com%2Fo%2Fr", "github.com/o/r"),
        ("https://github.com/o/r%20x", "github.com/o/r%20x"),
        ("https://github.com/o/r%40v1", "github.com/o/r@v1"),
        ("notaurl", "notaurl"),
        ("unknown", "unknown"),
        ("", ""),
        ("https://", ""),
    ],
)
def test_a_repository_is_host_and_path_alone(url: str, name: str) -> None:
    assert repository(url) == name


@given(
    st.sampled_from(["https://", "ssh://", "https:/", ""]),
    st.text("abcABC123:/?#.-_%", max_size=8),
    st.sampled_from(["/o/r", "/o/r?q=1", "/o/r#f", ""]),
)
def test_no_password_however_odd_becomes_part_of_a_label(scheme: str, odd: str, path: str) -> None:
    """With the user named in front, which is how passwords come."""
    url = f"{scheme}user:x{odd}S3CRET@host.example{path}"
    once = quote(url, safe="")

    assert not [form for form in (url, once, quote(once)) if "S3CRET" in repository(form)]


def test_a_long_repository_does_not_hold_up_the_exporter() -> None:
    parts = ["%25", "25", "%2540", "/", "@", ":a", "%3A"]
    program = (
        "from exporter.collectors.labels import repository\n"
        f"for part in {parts}: repository('%' + part * 300_000)"
    )

    # The time is there to end a test that would not end.
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)  # noqa: S603


def test_equal_repositories_have_equal_ids() -> None:
    assert job_id(repository("https://github.com/o/r")) == job_id(repository("github.com/o/r/"))
    assert job_id("github.com/o/r") == sha256(b"github.com/o/r").hexdigest()[:12]


def test_workers_are_told_apart_by_a_hash_only_where_the_host_alone_does() -> None:
    ambiguous: set[str] = set()

    alone = worker_names(["celery@a", "edge@a"], ambiguous)
    both = worker_names(["celery@a", "celery@b"], ambiguous)
    again = worker_names(["celery@b"], ambiguous)

    assert alone == {"celery@a": "celery", "edge@a": "edge"}
    assert len(set(both.values())) == 2
    assert all(name.startswith("celery~") for name in both.values())
    assert again["celery@b"] == both["celery@b"], "the last one left keeps its series"


@given(any_text, any_text)
def test_a_worker_is_shown_without_its_host(name: str, host: str) -> None:
    assert worker_name(f"{name.replace('@', '')}@{host}") == name.replace("@", "")
