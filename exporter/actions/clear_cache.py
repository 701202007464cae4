"""Clear the cache: by a path of the API, or in Redis by a pattern of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.actions import facts
from exporter.actions.model import Confirmation, Field, Outcome, Site, State
from exporter.actions.redis_cache import Count, RedisCache, RedisProblem
from exporter.actions.words import outcome, plain
from exporter.catalogue import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.settings import ActionsSettings

# Somebody waits for the page.
_COUNT_S: Final = 2.0
_NOT_OFFERED: Final = (
    "This is not offered by this backend. If it has a path that clears the cache, set"
    " actions.clear_cache.path; if its cache is in a Redis, set redis_url_file and redis_pattern"
    " there."
)


class ClearCache:
    """Empties the cache."""

    route = actions.CLEAR_CACHE
    button = "Clear the cache"
    background = False
    fields: tuple[Field, ...] = ()

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return nothing: there is one cache."""
        del raw, settings
        return {}

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say what will be deleted; in Redis the keys are counted, for 2 s at most."""
        del parameters
        settings, refusal = site.settings.clear_cache, ""
        state = facts.cache(site.readings)
        will = "The backend will empty its cache. Until it has filled again, answers take longer."
        if settings.redis_pattern is not None:
            will = (
                f"All keys like {settings.redis_pattern} will be deleted in Redis, those of the"
                " task queue left alone. Until the cache has filled again, answers take longer."
            )
            try:
                found = await RedisCache(settings).count(min(_COUNT_S, site.settings.timeout))
            except RedisProblem as problem:
                refusal = f"{_sentence(problem)} Nothing can be cleared."
                state.append(("Keys", None))
            else:
                state.append(("Keys", _counted(found)))
        elif settings.path is None:
            refusal = _NOT_OFFERED
        return Confirmation(
            will=will,
            undo="It cannot be undone; the cache fills again by itself.",
            target="cache",
            facts=state,
            refusal=refusal,
        )

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Clear it."""
        del parameters
        settings = site.settings.clear_cache
        if settings.redis_pattern is not None:
            return await _in_redis(RedisCache(settings), site.settings.timeout)
        if settings.path is None:
            return Outcome(state=State.REFUSED, message=_NOT_OFFERED)
        return await outcome(site.upstream.post(settings.path, {}), _cleared)


def _cleared(body: dict[str, Any]) -> Outcome:
    told = {
        title: plain(body[name], 40)
        for name, title in (("cleared_keys", "keys"), ("freed_mb", "freed, MB"))
        if body.get(name) is not None
    }
    count = f": {told['keys']} keys" if "keys" in told else ""
    return Outcome(state=State.DONE, message=f"The cache is cleared{count}.", details=told)


async def _in_redis(cache: RedisCache, deadline_s: float) -> Outcome:
    try:
        deleted = await cache.clear(deadline_s)
    except RedisProblem as problem:
        message = f"{_sentence(problem)} Nothing was deleted."
        return Outcome(state=State.REFUSED, message=message)
    details = {"keys deleted": deleted.keys, "pattern": cache.pattern}
    if deleted.whole:
        message = f"The cache is cleared: {deleted.keys:,} keys were deleted."
        return Outcome(state=State.DONE, message=message, details=details)
    why = _sentence(deleted.reason)
    if deleted.lost:
        message = (
            f"Unknown outcome: {deleted.keys:,} keys were deleted for certain, perhaps more. {why}"
        )
        return Outcome(state=State.UNKNOWN, message=message, details=details)
    message = f"Only {deleted.keys:,} keys were deleted. {why} Run it again for the rest."
    return Outcome(state=State.FAILED, message=message, details=details)


def _counted(found: Count) -> str:
    return (
        f"{found.keys:,}" if found.whole else f"more than {found.keys:,} (counting took too long)"
    )


def _sentence(reason: object) -> str:
    text = str(reason)
    return f"{text[:1].upper()}{text[1:]}."
