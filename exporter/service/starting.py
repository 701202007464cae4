"""Starts the action service: the database first, then everything that stands on it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from exporter.service.first_password import COST
from exporter.service.forms import form_key
from exporter.service.runtime import Runtime
from exporter.settings import ConfigurationError
from exporter.store.database import Database, DatabaseError
from exporter.store.migrations import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from exporter.service.sites import Transports
    from exporter.settings import ServiceSettings


async def start(
    load: Callable[[], ServiceSettings],
    users: Mapping[str, bytes],
    *,
    revision: str = "",
    screen: TextIO | None = None,
    wall: Callable[[], float] = time.time,
    password_cost: int = COST,
    transports: Transports = lambda _: None,
) -> Runtime:
    """
    Open the database and start the service.

    Args:
        load: Reads the configuration and tries what it names; raises ConfigurationError.
        users: Hash by name, of the web configuration file.
        screen: The terminal that a first password is shown on.
        wall: Unix seconds.
        transports: Returns what takes the place of the network for a base URL; in tests.

    Raises:
        ConfigurationError: It cannot start; the text is safe to show.
    """
    settings = await asyncio.to_thread(load)
    database = await asyncio.to_thread(opened, settings)
    try:
        runtime = Runtime(
            database,
            settings,
            await database.write(form_key),
            load=load,
            revision=revision,
            wall=wall,
            screen=screen,
            password_cost=password_cost,
            transports=transports,
        )
        await runtime.begin(users)
    except DatabaseError as error:
        await asyncio.to_thread(database.close)
        message = f"database_url: {error}"
        raise ConfigurationError(message) from None
    except BaseException:
        await asyncio.to_thread(database.close)
        raise
    return runtime


def opened(settings: ServiceSettings) -> Database:
    """
    Open the database that *settings* name, and bring it to this version.

    Raises:
        ConfigurationError: It cannot be opened.
    """
    url = settings.database()
    place = "state_dir" if settings.database_url is None else "database_url"
    try:
        _keep_private(url)
        return Database(url)
    except (DatabaseError, SchemaError) as error:
        message = f"{place}: {error}"
    except (ArgumentError, ValueError):
        message = f"{place}: (a secret, not shown): cannot be read as a URL"
    except OSError as error:
        message = f"{place}: {error.filename}: {(error.strerror or 'cannot be used').lower()}"
    raise ConfigurationError(message)


def _keep_private(url: str) -> None:
    """Make a file that only its owner can read, before SQLite makes one that all can."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database:
        path = Path(parts.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
