"""The cache as keys of a real Redis, beside the keys of a task queue."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from exporter.actions.clear_cache import ClearCache
from exporter.actions.model import State
from exporter.actions.redis_cache import Count, RedisCache, RedisProblem
from exporter.settings.actions import ClearCache as Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.actions.places import At

PATTERN = "cache:*"
QUEUE = (
    "celery",
    "celery-task-meta-1",
    "_kombu.binding.celery",
    "unacked",
    "unacked_index",
    "unacked_mutex",
)
OTHERS = ("session:1", "Cache:1", "other-cache:1")


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        client.mset(dict.fromkeys((*QUEUE, *OTHERS), "x"))
        yield client


def fill(redis: Redis, count: int) -> None:
    with redis.pipeline(transaction=False) as together:
        for number in range(count):
            together.set(f"cache:{number}", "x")
        together.execute()


def names(redis: Redis) -> set[str]:
    return set(redis.scan_iter())


def called(redis: Redis) -> dict[str, int]:
    """Return how often each command was called."""
    stats: dict[str, Any] = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()}


def cache(url: str, pattern: str = PATTERN) -> RedisCache:
    return RedisCache(Settings(redis_url=url, redis_pattern=pattern))


async def test_the_keys_are_counted_before_and_deleted_after(
    at: At, redis: Redis, redis_url: str
) -> None:
    fill(redis, 2345)
    site = at(clear_cache={"redis_url": redis_url, "redis_pattern": PATTERN})

    confirmation = await ClearCache().confirm(site, {})
    untouched = len(names(redis))
    outcome = await ClearCache().run(site, {})
    again = await ClearCache().run(site, {})

    assert confirmation.refusal == ""
    assert confirmation.will.startswith("All keys like cache:* will be deleted in Redis, those of")
    assert dict(confirmation.facts)["Keys"] == "2,345"
    assert untouched == 2345 + len(QUEUE) + len(OTHERS)
    assert outcome.state is State.DONE
    assert outcome.message == "The cache is cleared: 2,345 keys were deleted."
    assert outcome.details == {"keys deleted": 2345, "pattern": PATTERN}
    assert names(redis) == {*QUEUE, *OTHERS}
    assert (again.state, again.details["keys deleted"]) == (State.DONE, 0)


async def test_keys_are_found_and_deleted_in_batches_and_never_all_at_once(
    redis: Redis, redis_url: str
) -> None:
    fill(redis, 5000)
    redis.config_resetstat()

    await cache(redis_url).clear(10.0)

    calls = called(redis)
    assert calls["scan"] >= 5
    assert calls["unlink"] >= 10
    assert not {"flushall", "flushdb", "keys", "del"} & set(calls)


async def test_the_task_queue_is_left_alone_whatever_the_pattern_says(
    redis: Redis, redis_url: str
) -> None:
    """The settings refuse such patterns already; this is the second door."""
    fill(redis, 10)
    everything = RedisCache(Settings.model_construct(redis_url=redis_url, redis_pattern="*"))

    counted, deleted = await everything.count(10.0), await everything.clear(10.0)

    assert counted == deleted == Count(10 + len(OTHERS))
    assert names(redis) == set(QUEUE)


@pytest.mark.parametrize("pattern", ["ca*", "*", "c*", "ca?he:*", "cel*", "celery*", "_kombu*"])
def test_a_pattern_that_could_mean_others_keys_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"plain characters first|keys of the task queue"):
        Settings(redis_url="redis://127.0.0.1/0", redis_pattern=pattern)


async def test_a_key_that_is_no_text_is_deleted_too(redis: Redis, redis_url: str) -> None:
    redis.set(b"cache:\xff\x00\n", "x")

    assert await cache(redis_url).clear(10.0) == Count(1)
    assert redis.exists(b"cache:\xff\x00\n") == 0


async def test_another_database_of_the_same_redis_is_left_alone(
    redis: Redis, redis_url: str
) -> None:
    with Redis.from_url(redis_url.removesuffix("0") + "1") as other:
        other.set("cache:1", "x")
        redis.set("cache:1", "x")

        assert await cache(redis_url).clear(10.0) == Count(1)
        assert other.exists("cache:1") == 1


async def test_where_no_redis_is_nothing_is_deleted_and_it_is_said(
    at: At, free_port: Callable[[], int]
) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    site = at(clear_cache={"redis_url": url, "redis_pattern": PATTERN})

    confirmation = await ClearCache().confirm(site, {})
    outcome = await ClearCache().run(site, {})

    assert confirmation.refusal == (
        "There is no connection to Redis, or it was lost. Nothing can be cleared."
    )
    assert dict(confirmation.facts)["Keys"] is None
    assert outcome.state is State.REFUSED
    assert outcome.message == (
        "There is no connection to Redis, or it was lost. Nothing was deleted."
    )


async def test_a_password_comes_from_a_file_and_is_never_shown(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    fill(redis, 3)
    redis.config_set("requirepass", "swordfish")
    file = tmp_path / "redis-url"
    settings = Settings(redis_url_file=file, redis_pattern=PATTERN)

    file.write_text(redis_url.replace("//", "//:swordfish@") + "\n")
    deleted = await RedisCache(settings).clear(10.0)
    file.write_text(redis_url.replace("//", "//:salmon@"))
    with pytest.raises(RedisProblem) as refused:
        await RedisCache(settings).clear(10.0)

    assert deleted == Count(3)
    assert str(refused.value) == (
        "Redis does not accept the user or password, or does not let them do this"
    )


async def test_who_may_not_delete_is_told_so(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    fill(redis, 3)
    redis.execute_command("ACL SETUSER reader on >pass ~* +scan +client +hello")  # type: ignore[no-untyped-call]
    file = tmp_path / "redis-url"
    file.write_text(redis_url.replace("//", "//reader:pass@"))
    reader = RedisCache(Settings(redis_url_file=file, redis_pattern=PATTERN))

    counted = await reader.count(10.0)
    with pytest.raises(RedisProblem, match="does not let them do this"):
        await reader.clear(10.0)

    assert counted == Count(3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, r"redis_url_file cannot be read \(FileNotFoundError\)"),
        (b"\xff\xfe", "redis_url_file is no text"),
        (b"http://host/0", "redis_url_file: write redis://"),
        (b"redis://:salmon@127.0.0.1/0?secret=1", r"an option behind the \? is not known"),
        (b"redis://:salmon@127.0.0.1/0?socket_timeout=x", r"an option behind the \? is not known"),
        (b"redis://:salmon@127.0.0.1/0?retry=3", r"an option behind the \? is not known"),
    ],
)
async def test_a_file_that_names_no_redis_is_told_without_what_is_in_it(
    tmp_path: Path, text: bytes | None, says: str
) -> None:
    file = tmp_path / "redis-url"
    if text is not None:
        file.write_bytes(text)
    settings = Settings(redis_url_file=file, redis_pattern=PATTERN)

    with pytest.raises(RedisProblem, match=says) as problem:
        await RedisCache(settings).count(10.0)

    assert "salmon" not in str(problem.value)


class Cut:
    """
    A way to Redis that ends when a command comes.

    Args:
        at: The command, and at which time; Redis does it, and its answer never comes.
        hang: Keep the connection, and say nothing more.
    """

    def __init__(self, redis_url: str, at: tuple[bytes, int], *, hang: bool = False) -> None:
        found = re.fullmatch(r"redis://([^:]+):(\d+)/0", redis_url)
        assert found
        self._redis = found[1], int(found[2])
        self._name, self._number = at
        self._hang = hang
        self._done = asyncio.Event()
        self.times = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
            self._done.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(*self._redis)
        with closing(writer), closing(back_writer):
            while request := await reader.read(2**20):
                # Commands and answers take turns.
                back_writer.write(request)
                answer = await back_reader.read(2**20)
                if self._name in request.upper():
                    self.times += 1
                    if self.times == self._number:
                        if self._hang:
                            await self._done.wait()
                        return
                writer.write(answer)
                await writer.drain()


async def test_a_batch_whose_answer_is_lost_is_an_unknown_outcome_and_not_sent_again(
    at: At, redis: Redis, redis_url: str
) -> None:
    fill(redis, 3000)
    cut = Cut(redis_url, (b"UNLINK", 3))
    async with cut.serving() as url:
        site = at(clear_cache={"redis_url": url, "redis_pattern": PATTERN})
        outcome = await ClearCache().run(site, {})

    assert cut.times == 3
    assert outcome.state is State.UNKNOWN
    told = outcome.details["keys deleted"]
    assert outcome.message == (
        f"Unknown outcome: {told:,} keys were deleted for certain, perhaps more. There is no"
        " connection to Redis, or it was lost."
    )
    left = sum(name.startswith("cache:") for name in names(redis))
    assert 0 < told < 3000 - left < 3000


async def test_what_was_deleted_before_the_connection_was_lost_is_counted(
    at: At, redis: Redis, redis_url: str
) -> None:
    fill(redis, 3000)
    cut = Cut(redis_url, (b"SCAN", 2))
    async with cut.serving() as url:
        site = at(clear_cache={"redis_url": url, "redis_pattern": PATTERN})
        outcome = await ClearCache().run(site, {})

    assert outcome.state is State.FAILED
    deleted = outcome.details["keys deleted"]
    assert outcome.message == (
        f"Only {deleted:,} keys were deleted. There is no connection to Redis, or it was lost."
        " Run it again for the rest."
    )
    left = sum(name.startswith("cache:") for name in names(redis))
    assert 0 < deleted == 3000 - left


async def test_a_redis_that_falls_silent_is_not_waited_for_longer_than_the_deadline(
    redis: Redis, redis_url: str
) -> None:
    fill(redis, 3000)
    cut = Cut(redis_url, (b"SCAN", 2), hang=True)
    async with cut.serving() as url:
        counted = await cache(url).count(0.5)
    cut = Cut(redis_url, (b"SCAN", 1), hang=True)
    async with cut.serving() as url:
        with pytest.raises(RedisProblem, match=r"Redis did not answer within 0\.5 s"):
            await cache(url).count(0.5)

    assert 0 < counted.keys < 3000
    assert not counted.whole


async def test_a_count_that_took_too_long_is_told_as_a_part(
    at: At, redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(redis, 3000)
    monkeypatch.setattr("exporter.actions.clear_cache._COUNT_S", 0.5)
    cut = Cut(redis_url, (b"SCAN", 2), hang=True)
    async with cut.serving() as url:
        site = at(clear_cache={"redis_url": url, "redis_pattern": PATTERN})
        confirmation = await ClearCache().confirm(site, {})

    assert confirmation.refusal == ""
    told = dict(confirmation.facts)["Keys"]
    assert told is not None
    assert re.fullmatch(r"more than [\d,]+ \(counting took too long\)", told)
