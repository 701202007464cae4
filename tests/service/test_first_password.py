"""The first user of an installation that names nobody."""

from __future__ import annotations

import asyncio
import io
import re
from typing import TYPE_CHECKING

import pytest

from exporter.service.first_password import FILE_NAME
from exporter.settings import ConfigurationError
from tests.service.frame import form_of, serving, sign_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

NEW = "battery horse correct"
SHOWN = re.compile(r"Password:\s+(\S+)")


async def test_on_a_terminal_it_is_shown_there_and_written_nowhere(tmp_path: Path) -> None:
    screen = io.StringIO()
    async with serving(tmp_path, users={}, screen=screen) as service, service.browser() as client:
        found = SHOWN.search(screen.getvalue())
        assert found
        answer = await sign_in(client, "admin", found[1])
        kept = str(await service.fingerprint())

    assert answer.status_code == 303
    assert not (tmp_path / FILE_NAME).exists()
    assert found[1] not in kept


async def test_without_a_terminal_it_is_in_a_file_for_its_owner_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path, users={}) as service:
        file = tmp_path / FILE_NAME
        password = file.read_text("utf-8").strip()
        kept = str(await service.fingerprint())

    assert file.stat().st_mode & 0o777 == 0o600
    assert len(password) >= 24
    written = capfd.readouterr()
    assert password not in written.out + written.err + caplog.text + kept


async def test_nothing_else_can_be_done_before_it_is_changed(tmp_path: Path) -> None:
    async with serving(tmp_path, users={}) as service, service.browser() as client:
        password = (tmp_path / FILE_NAME).read_text("utf-8").strip()
        await sign_in(client, "admin", password)
        led = await client.get("/actions/refresh")
        sent = await client.post("/actions/refresh", data={})
        short = await client.post("/password", data=await changed(client, password, "short"))
        same = await client.post("/password", data=await changed(client, password, password))
        wrong = await client.post("/password", data=await changed(client, "wrong", NEW))
        done = await client.post("/password", data=await changed(client, password, NEW))
        page = await client.get("/actions/refresh")
        async with service.browser() as other:
            again = await sign_in(other, "admin", password)
            right = await sign_in(other, "admin", NEW)

    assert (led.status_code, led.headers["location"]) == (303, "/password")
    assert sent.status_code in {303, 403}
    assert [answer.status_code for answer in (short, same, wrong)] == [400, 400, 403]
    assert done.status_code == 303
    assert again.status_code != 303
    assert right.status_code == 303
    assert page.status_code == 200
    assert not (tmp_path / FILE_NAME).exists()


async def test_of_two_replicas_one_makes_it(tmp_path: Path, postgresql: str) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    services = [
        serving(folder, users={}, state_dir=folder, database_url=postgresql) for folder in folders
    ]
    await asyncio.gather(*(service.__aenter__() for service in services))
    for service in services:
        await service.__aexit__(None, None, None)

    assert sum((folder / FILE_NAME).exists() for folder in folders) == 1


async def test_after_a_restart_it_is_not_made_anew(tmp_path: Path) -> None:
    async with serving(tmp_path, users={}):
        first = (tmp_path / FILE_NAME).read_text("utf-8")
    async with serving(tmp_path, users={}):
        assert (tmp_path / FILE_NAME).read_text("utf-8") == first


async def test_with_users_of_the_web_configuration_there_is_none(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        kept = await service.fingerprint()

    assert kept["passwords"] == []
    assert not (tmp_path / FILE_NAME).exists()


async def test_where_nobody_would_learn_it_the_service_does_not_start(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'ops.db'}"
    with pytest.raises(ConfigurationError, match="first user's password"):
        async with serving(tmp_path, users={}, state_dir=None, database_url=database):
            pass


async def changed(client: httpx.AsyncClient, old: str, new: str) -> dict[str, str]:
    form = await form_of(client, "/password")
    return {**form, "old": old, "new": new, "again": new}
