from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from exporter.store import meta
from exporter.store.backup import BackupError, back_up
from exporter.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_copy_made_while_the_database_is_written_has_all_that_was_written(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path}/ops.sqlite")
    to = tmp_path / "copy.sqlite"
    for number in range(20):
        await database.write(meta.made_once, f"n{number}", lambda: "x")

    size = back_up(database.url, to)
    await database.write(meta.made_once, "later", lambda: "x")
    database.close()

    assert size == to.stat().st_size > 0
    assert to.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(to)) as copy:
        found = {name for (name,) in copy.execute("SELECT name FROM meta")}
    assert {f"n{number}" for number in range(20)} <= found
    assert "later" not in found


def test_the_service_starts_from_a_copy(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ops.sqlite")
    to = tmp_path / "copy.sqlite"
    back_up(database.url, to)
    database.close()

    again = Database(f"sqlite:///{to}")
    again.close()

    assert again.found_version == 1


def test_a_copy_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ops.sqlite")
    to = tmp_path / "copy.sqlite"
    to.write_text("earlier")
    back_up(database.url, to)
    database.close()

    assert to.read_bytes().startswith(b"SQLite format 3")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("url", "to", "words"),
    [
        ("postgresql://ops:s3cret@db/ops", "copy", "pg_dump --format=custom"),
        ("sqlite:///{folder}/absent.sqlite", "copy", "there is no database yet"),
        ("sqlite:///{folder}/ops.sqlite", "absent/copy", "No such file or directory"),
        ("sqlite:///{folder}/broken.sqlite", "copy", "not a database"),
    ],
)
def test_where_no_copy_can_be_made_the_reason_is_told_and_nothing_is_left(
    tmp_path: Path, url: str, to: str, words: str
) -> None:
    Database(f"sqlite:///{tmp_path}/ops.sqlite").close()
    (tmp_path / "broken.sqlite").write_text("no database " * 1000)
    before = sorted(tmp_path.iterdir())

    with pytest.raises(BackupError, match=words) as raised:
        back_up(make_url(url.format(folder=tmp_path)), tmp_path / to)

    assert "s3cret" not in str(raised.value)
    assert sorted(tmp_path.iterdir()) == before
