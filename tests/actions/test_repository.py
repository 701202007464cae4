from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.actions.model import InputError
from exporter.actions.repository import LENGTH_MAX, canonical, segment
from exporter.collectors.labels import repository
from exporter.settings import ActionsSettings

HOSTS = ActionsSettings().ingest.hosts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/octocat/Hello-World", "github.com/octocat/Hello-World"),
        ("github.com/octocat/Hello-World", "github.com/octocat/Hello-World"),
        ("HTTPS://GitHub.COM/octocat/Hello-World/", "github.com/octocat/Hello-World"),
        ("  gitlab.com/group/sub/name.git ", "gitlab.com/group/sub/name.git"),
        ("https://codeberg.org/~user/under_score", "codeberg.org/~user/under_score"),
    ],
)
def test_an_address_has_one_form(text: str, expected: str) -> None:
    assert canonical(text, HOSTS) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Write the address of a repository"),
        ("   ", "Write the address of a repository"),
        ("http://github.com/o/r", "Write https://"),
        ("ftp://github.com/o/r", "Write https://"),
        ("file:///etc/passwd", "Write https://"),
        ("ssh://git@github.com/o/r", "Leave out user and password"),
        ("git@github.com:o/r.git", "Leave out user and password"),
        ("https://user:secret@github.com/o/r", "Leave out user and password"),
        ("https://github.com@evil.example/o/r", "Leave out user and password"),
        ("https://github.com:8443/o/r", "Leave the port out"),
        ("https://evil.example/o/r", "from github.com, gitlab.com, bitbucket.org and codeberg"),
        ("https://github.com.evil.example/o/r", "may be ingested from"),
        ("https://github.com./o/r", "may be ingested from"),
        ("https://gıthub.com/o/r", "without accents"),  # noqa: RUF001 - the trick itself
        ("https://gіthub.com/o/r", "Latin alphabet"),  # noqa: RUF001 - the trick itself
        ("https://xn--gthub-n4a.com/o/r", "may be ingested from"),
        ("https://127.0.0.1/o/r", "may be ingested from"),
        ("https://[::1]/o/r", "Leave the port out"),
        ("https://2130706433/o/r", "may be ingested from"),
        ("https://localhost/o/r", "may be ingested from"),
        ("https://169.254.169.254/latest/meta-data", "may be ingested from"),
        ("https://github.com/o", "Write host, owner and name"),
        ("github.com", "Write host, owner and name"),
        ("https://github.com//r", "Write host, owner and name"),
        ("https:///o/r", "may be ingested from"),
        ("/o/r", "may be ingested from"),
        ("https://github.com/o/../../admin", "no .."),
        ("https://github.com/o/r..r", "no .."),
        ("https://github.com/o/./r", "no .."),
        ("https://github.com/-o/--upload-pack=x", "letters, digits, dots"),
        ("https://github.com/o/-r", "no leading dash"),
        ("https://github.com/o/r;rm", "letters, digits, dots"),
        ("https://github.com/o/r?token=x", "from ? or # on"),
        ("https://github.com/o/r#readme", "from ? or # on"),
        ("https://github.com/o/%2e%2e/r", "%-codes"),
        ("https://github.com/o/r%0d%0aHost:x", "%-codes"),
        ("https://github.com/o/r\r\nHost: x", "line ends"),
        ("https://github.com/o/r\n", "line ends"),
        ("https://github.com/o/r\x00", "line ends"),
        ("https://github.com/o/r s", "spaces"),
        ("https:\\\\github.com\\o\\r", "backslashes"),
        ("https://github.com/o/<script>", "quotes"),
        ("https://github.com/o/" + "r" * LENGTH_MAX, "at most 256 characters"),
    ],
)
def test_what_is_no_address_is_refused_with_what_would_be(text: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        canonical(text, HOSTS)

    assert refused.value.name == "repo_url"
    assert says in str(refused.value)


def test_without_allowed_hosts_nothing_may_be_ingested() -> None:
    with pytest.raises(InputError, match=r"actions\.ingest\.hosts is empty"):
        canonical("github.com/o/r", ())


@given(st.text(max_size=60).map("https://github.com/".__add__) | st.text(max_size=80))
@example("github.com/a/b")
def test_whatever_is_accepted_is_what_the_exporter_calls_it(text: str) -> None:
    try:
        accepted = canonical(text, HOSTS)
    except InputError:
        return

    assert accepted == canonical(accepted, HOSTS) == repository(text)
    assert accepted.split("/")[0] in HOSTS
    assert accepted.isascii()
    assert accepted.isprintable()


def test_an_address_is_one_segment_of_a_path() -> None:
    assert segment("github.com/o/r") == "github.com%2Fo%2Fr"
