"""What Prometheus remembers of the exporter's own metrics."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from exporter import __version__
from exporter.api.body import ACCEPTED, TooLargeError, UnreadableError, read_body
from exporter.api.failure import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S: Final = 10.0
# A day of 200 series at 30 s, as Prometheus writes it.
_BYTES_MAX: Final = 32 * 2**20
_OK: Final = 200
# Of Prometheus while it starts, and of proxies that do not reach it.
_AWAY: Final = {502, 503, 504}


class HistoryError(Exception):
    """Raised when Prometheus does not tell; the text is safe to show."""


class AwayError(HistoryError):
    """Raised when there is no Prometheus, or it has only just started: later there may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    The moments that are asked for.

    Attributes:
        end: Unix time of the last.
        step_s: From one to the next.
    """

    end: float
    step_s: float
    count: int

    @property
    def start(self) -> float:
        """Unix time of the first."""
        return self.end - (self.count - 1) * self.step_s

    def place(self, at: float) -> int:
        """Return which of the moments *at* is."""
        return round((at - self.start) / self.step_s)


@dataclass(frozen=True, slots=True)
class Past:
    """A series: its labels, and its values by the place of their moment."""

    labels: Mapping[str, str]
    values: Mapping[int, float]


class History:
    """
    Asks Prometheus.

    Args:
        url: Its base URL.
        transport: Takes the place of the network in tests.
    """

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        context = ssl.create_default_context() if url.startswith("https:") else False
        self._transport = transport or httpx.AsyncHTTPTransport(verify=context, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def values(self, query: str, span: Span) -> list[Past]:
        """
        Return what *query* was at each moment of *span*.

        Raises:
            AwayError: Prometheus cannot be asked.
            HistoryError: It does not answer as it should.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                tree = orjson.loads(await self._get(query, span))
            return [_past(one, span) for one in tree["data"]["result"]]
        except TimeoutError:
            message = f"no answer within {_TIMEOUT_S:g} s"
        except TooLargeError:
            message = f"more than {_BYTES_MAX} bytes"
        except (UnreadableError, httpx.ProtocolError):
            message = "the answer was cut or is not HTTP"
        except (httpx.TransportError, OSError) as error:
            raise AwayError(refusal(error)) from None
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError):
            message = "not an answer of Prometheus"
        raise HistoryError(message)

    async def _get(self, query: str, span: Span) -> bytearray:
        parameters = {"query": query, "start": span.start, "end": span.end, "step": span.step_s}
        request = httpx.Request(
            "GET",
            httpx.URL(f"{self._url}/api/v1/query_range", params=parameters),
            headers={"user-agent": f"ops-exporter/{__version__}", "accept-encoding": ACCEPTED},
        )
        response = await self._transport.handle_async_request(request)
        try:
            if response.status_code != _OK:
                away = response.status_code in _AWAY
                message = f"HTTP {response.status_code}"
                raise (AwayError if away else HistoryError)(message)
            return await read_body(response, _BYTES_MAX)
        finally:
            await response.aclose()


def _past(one: Any, span: Span) -> Past:
    """Read a series of a matrix; an error of any kind if it is none."""
    labels = dict(one["metric"])
    if not all(isinstance(text, str) for text in labels.values()):
        raise TypeError(labels)
    points = ((span.place(float(at)), float(value)) for at, value in one["values"])
    # What is not of the span was not asked for.
    values = {at: value for at, value in points if isfinite(value) and 0 <= at < span.count}
    return Past(labels, values)
