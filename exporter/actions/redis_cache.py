"""The cache as keys of a Redis: counted and deleted by pattern, in batches, never all at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as LateError

from exporter.settings.actions import BROKER_KEYS, redis_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.settings.actions import ClearCache

# Keys looked at by one SCAN: a Redis with a million answers all others in between.
_SCAN: Final = 1000
# Keys deleted by one UNLINK.
_UNLINK: Final = 500
_PROTECTED: Final = tuple(name.encode() for name in BROKER_KEYS)


class RedisProblem(Exception):  # noqa: N818 - a state of the other side, not a mistake
    """Raised when Redis does not do what is asked; the text is safe to show."""


@dataclass(frozen=True, slots=True)
class Count:
    """
    Keys found or deleted.

    Attributes:
        whole: All keys were looked at; if not, there may be more.
        lost: The connection was lost while a batch was being deleted: it is not counted.
        reason: Why it is not whole.
    """

    keys: int
    whole: bool = True
    lost: bool = False
    reason: str = ""


class RedisCache:
    """
    The keys of one pattern; those of the task queue are left alone whatever the pattern says.

    Args:
        settings: With ``redis_url`` or ``redis_url_file``, and ``redis_pattern``.
    """

    def __init__(self, settings: ClearCache) -> None:
        self._settings = settings
        self.pattern = settings.redis_pattern or ""

    async def count(self, deadline_s: float) -> Count:
        """
        Count the keys, for *deadline_s* at most.

        Raises:
            RedisProblem: If it cannot be asked.
        """
        keys = 0
        try:
            async with asyncio.timeout(deadline_s), self._connected() as redis:
                async for batch in self._scan(redis):
                    keys += len(batch)
        except TimeoutError:
            if keys:
                return Count(keys, whole=False)
            message = f"Redis did not answer within {deadline_s:g} s"
            raise RedisProblem(message) from None
        except RedisError as error:
            raise RedisProblem(_reason(error)) from None
        return Count(keys)

    async def clear(self, deadline_s: float) -> Count:
        """
        Delete the keys, for *deadline_s* at most; no batch is sent a second time.

        Raises:
            RedisProblem: If nothing was deleted, and nothing may have been.
        """
        deleted, unlinking = 0, False
        try:
            async with asyncio.timeout(deadline_s), self._connected() as redis:
                async for batch in self._scan(redis):
                    for first in range(0, len(batch), _UNLINK):
                        unlinking = True
                        deleted += int(await redis.unlink(*batch[first : first + _UNLINK]))
                        unlinking = False
        except TimeoutError:
            reason = f"Redis was not done within {deadline_s:g} s"
        except RedisError as error:
            reason = _reason(error)
            # What Redis refuses in so many words it has not done.
            unlinking = unlinking and not isinstance(error, ResponseError)
        else:
            return Count(deleted)
        if not deleted and not unlinking:
            raise RedisProblem(reason)
        return Count(deleted, whole=False, lost=unlinking, reason=reason)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Redis]:
        redis = _client(self._url())
        try:
            yield redis
        finally:
            await redis.aclose()

    async def _scan(self, redis: Redis) -> AsyncIterator[list[bytes]]:
        """Yield the keys, batch after batch; one that moves meanwhile may come twice."""
        cursor = 0
        while True:
            cursor, found = await redis.scan(cursor, match=self.pattern, count=_SCAN)
            names = [key if isinstance(key, bytes) else key.encode() for key in found]
            keys = [name for name in names if not name.startswith(_PROTECTED)]
            if keys:
                yield keys
            if cursor == 0:
                return

    def _url(self) -> str:
        path = self._settings.redis_url_file
        if path is None:
            return self._settings.redis_url or ""
        try:
            return redis_url(path.read_text("utf-8").strip())
        except UnicodeDecodeError:
            message = "redis_url_file is no text"
        except ValueError as error:
            message = f"redis_url_file: {error}"
        except OSError as error:
            message = f"redis_url_file cannot be read ({type(error).__name__})"
        raise RedisProblem(message)


def _client(url: str) -> Redis:
    try:
        redis = Redis.from_url(
            url,
            decode_responses=False,
            # Its own idea of trying again would count what it deleted twice, or not at all.
            retry=Retry(NoBackoff(), 0),
            retry_on_timeout=False,
        )
        # Options behind a "?" are only looked at here.
        redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (AttributeError, TypeError, ValueError):
        message = "redis_url_file: an option behind the ? is not known, or not right"
        raise RedisProblem(message) from None
    return redis


def _reason(error: RedisError) -> str:
    """Say what went wrong: Redis's own words may hold user, address and keys."""
    if isinstance(error, (AuthenticationError, AuthorizationError, NoPermissionError)):
        return "Redis does not accept the user or password, or does not let them do this"
    if isinstance(error, ResponseError):
        return f"Redis refused the command ({str(error).split(' ', 1)[0][:20]})"
    if isinstance(error, (LostError, LateError)):
        return "there is no connection to Redis, or it was lost"
    return f"Redis failed ({type(error).__name__})"
