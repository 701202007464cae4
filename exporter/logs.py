"""
Logs as events with fields, in logfmt or JSON, on standard error.

On the standard library: structlog would double the time until the first answer (its import alone
takes longer than everything that serves ``/-/healthy``), and this is all that is needed of it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from typing import TextIO

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["logfmt", "json"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")
FORMATS: Final[tuple[Format, ...]] = ("logfmt", "json")

# The last net, not the first: whoever logs such a field has made a mistake already.
_SECRET = re.compile(r"token|password|secret|authorization|cookie|credential", re.IGNORECASE)
_BARE = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without space, quote, = and backslash

# Their messages come with each bad request or missed run; ours say the same once per change.
_QUIET: Final = {
    "uvicorn": logging.ERROR,
    "uvicorn.error": logging.ERROR,
    "apscheduler": logging.ERROR,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "hpack": logging.WARNING,  # its debug lines hold headers, the token among them
    "asyncio": logging.WARNING,
}


class Log:
    """A named logger whose messages are an event and its fields."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **fields: object) -> None:
        """Log what only somebody who searches for a fault wants to know."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log a change of state."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Log what works but should not stay so."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Log what failed and was given up."""
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """Log a failure nobody foresaw, with its traceback; call it where it was caught."""
        self._log(logging.ERROR, event, fields, exc_info=True)

    def _log(
        self, level: int, event: str, fields: dict[str, object], *, exc_info: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            # As the message's only argument, so that any other formatter shows the fields too.
            extra = {"fields": fields}
            self._logger.log(level, "%s", event, extra=extra, exc_info=exc_info)


def configure(
    *, level: Level = "info", form: Format = "logfmt", stream: TextIO | None = None
) -> None:
    """Send every record of this process, libraries' included, to *stream* in one format."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(form))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)


class _Formatter(logging.Formatter):
    def __init__(self, form: Format) -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "ts": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        for name, value in getattr(record, "fields", {}).items():
            line[name] = "(hidden)" if _SECRET.search(name) else value
        line["logger"] = record.name
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if self._json:
            return json.dumps(line, default=str)
        return " ".join(f"{name}={_logfmt(value)}" for name, value in line.items())


def _logfmt(value: object) -> str:
    """Write a value so that no text from outside can end the line or begin another field."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            text = ",".join(map(str, value))
        case _:
            text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)
