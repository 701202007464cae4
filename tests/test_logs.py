from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from exporter import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(r'(?:^| )([\w.]+)=("(?:[^"\\]|\\.)*"|[^ "]*)')


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Return what is logged; the root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs._QUIET}
    root.handlers = []
    yield io.StringIO()
    root.handlers, root.level = handlers, level
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def test_logfmt_is_one_line_of_fields(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs.Log("exporter.x").info(
        "verdict changed", endpoint="health", ok=True, took_s=0.25, none=None, names=["a", "b"]
    )

    line = re.sub(r"^ts=\S+Z ", "", stream.getvalue())
    assert line == (
        'level=info event="verdict changed" endpoint=health ok=true took_s=0.25 none=null '
        "names=a,b logger=exporter.x\n"
    )


def test_json_is_one_object_per_line(stream: io.StringIO) -> None:
    logs.configure(form="json", stream=stream)
    logs.Log("exporter.x").error("poll failed", reason="timeout", after_s=10)

    line = json.loads(stream.getvalue())
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "error",
        "event": "poll failed",
        "reason": "timeout",
        "after_s": 10,
        "logger": "exporter.x",
    }


@pytest.mark.parametrize(
    "text", ["a b", 'a"b', "a=b", "a\nlevel=error", "a\\b", "ü", "", "\x1b[2J"]
)
def test_no_text_ends_a_line_or_begins_a_field(stream: io.StringIO, text: str) -> None:
    logs.configure(stream=stream)
    logs.Log("x").info("event", name=text, last=1)

    [line] = stream.getvalue().splitlines()
    fields = dict(LINE.findall(line))
    assert list(fields) == ["ts", "level", "event", "name", "last", "logger"]
    assert json.loads(fields["name"]) == text
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_field_with_the_name_of_a_secret_is_hidden(
    stream: io.StringIO, form: logs.Format
) -> None:
    logs.configure(form=form, stream=stream)
    secrets = dict.fromkeys(("token", "Authorization", "api_password"), "hunter2")
    logs.Log("x").info("event", **secrets)

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("(hidden)") == 3


def test_the_level_bounds_what_is_logged(stream: io.StringIO) -> None:
    logs.configure(level="warning", stream=stream)
    log = logs.Log("x")
    log.debug("d")
    log.info("i")
    log.warning("w")

    assert "event=w" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_traceback_stays_in_its_line(stream: io.StringIO, form: logs.Format) -> None:
    logs.configure(form=form, stream=stream)
    try:
        raise ValueError("inside")  # noqa: EM101, TRY301 - the case
    except ValueError:
        logs.Log("x").exception("failed")

    [line] = stream.getvalue().splitlines()
    assert "ValueError: inside" in line


def test_libraries_come_in_the_same_form_and_quietly(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").error("%s of %d", "one", 2)

    [line] = stream.getvalue().splitlines()
    assert 'level=error event="one of 2"' in line
