"""What the exporter knows of a backend right now, read from its page."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
from prometheus_client.parser import text_string_to_metric_families

from exporter import __version__
from exporter.api.body import ACCEPTED, TooLargeError, UnreadableError, read_body
from exporter.api.failure import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_KEPT_S: Final = 2.0
_DEADLINE_S: Final = 5.0
# Some 100,000 samples: more than the exporter's own limits let it have.
_BODY_MAX: Final = 16 * 2**20
_REFUSALS: Final = {
    401: "it wants a user and a password",
    403: "it does not let us in",
    404: "it does not know this backend",
}

_Samples = dict[str, list[tuple["Mapping[str, str]", float]]]


class PageReadings:
    """
    The samples of one page of the exporter.

    Args:
        problem: Why there are none, in words; empty when there are.
    """

    def __init__(self, samples: _Samples | None = None, problem: str = "") -> None:
        self._samples = samples or {}
        self._problem = problem

    @property
    def problem(self) -> str:
        """Why nothing is known, in words; empty when something is."""
        return self._problem

    def value(self, metric: str, **labels: str) -> float | None:
        """Return the first sample with these labels, and perhaps others; None without one."""
        wanted = labels.items()
        for found, value in self.samples(metric):
            if wanted <= found.items():
                return value
        return None

    def samples(self, metric: str) -> Sequence[tuple[Mapping[str, str], float]]:
        """Return labels and value of each sample of a metric."""
        return self._samples.get(metric, ())


class ExporterReader:
    """
    Reads the exporter's page of a backend, at most once in 2 s.

    Args:
        url: Base URL of the exporter.
        transport: Takes the place of the network in tests.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._clock = clock
        secure = url.startswith("https:")
        self._transport = transport or httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context() if secure else False, trust_env=False
        )
        self._kept: dict[str, tuple[float, PageReadings]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def read(self, backend: str) -> PageReadings:
        """Return what is known of *backend*; nothing, and why, when the exporter tells nothing."""
        async with self._locks.setdefault(backend, asyncio.Lock()):
            asked, readings = self._kept.get(backend, (-math.inf, PageReadings()))
            if self._clock() - asked >= _KEPT_S:
                readings = await self._read(backend)
                self._kept[backend] = self._clock(), readings
            return readings

    async def _read(self, backend: str) -> PageReadings:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                text = await self._ask(backend)
            # Beside the event loop: a large page takes a while.
            return PageReadings(await asyncio.to_thread(parsed, text))
        except TimeoutError:
            problem = f"no answer within {_DEADLINE_S:g} s"
        except TooLargeError:
            problem = f"its page has more than {_BODY_MAX} bytes"
        except (UnreadableError, httpx.ProtocolError, ValueError):
            problem = "its answer is not a page of metrics"
        except _RefusedError as error:
            problem = str(error)
        except (httpx.TransportError, OSError) as error:
            problem = refusal(error)
        return PageReadings(problem=f"the exporter does not tell: {problem}")

    async def _ask(self, backend: str) -> str:
        headers = {
            "user-agent": f"ops-exporter/{__version__}",
            "accept": "text/plain;version=0.0.4",
            "accept-encoding": ACCEPTED,
        }
        url = f"{self._url}/probe?target={quote(backend, safe='')}"
        request = httpx.Request("GET", url, headers=headers)
        response = await self._transport.handle_async_request(request)
        try:
            if response.status_code != httpx.codes.OK:
                status = response.status_code
                raise _RefusedError(_REFUSALS.get(status, f"it answered HTTP {status}"))
            return (await read_body(response, _BODY_MAX)).decode("utf-8")
        finally:
            await response.aclose()


class _RefusedError(Exception):
    """Raised when the exporter refuses; the text says why."""


def parsed(text: str) -> _Samples:
    """Return the samples of a page by metric; ValueError if it is none."""
    samples: _Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not math.isnan(sample.value):
                samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples
