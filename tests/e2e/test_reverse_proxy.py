"""The configuration of nginx that puts Grafana and the action service under one origin."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import trustme

from scripts.children import LOOPBACK, Child, free_port
from tests.conftest import ROOT, program
from tests.e2e.replica import PASSWORD, USER, Replica, hash_of, hidden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEPLOYED: Final = ROOT / "deploy" / "nginx"
CONFS: Final = ("ops.conf", "ops/upstreams.conf", "ops/locations.conf")
GRAFANA: Final = "grafana_session=what-is-worth-a-password"
# Around it: what a distribution's nginx.conf has, for one process without root.
WHOLE: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/ops.conf;
}}
"""


@contextmanager
def echo() -> Iterator[str]:
    """Serve what tells the headers that it got, in the place of Grafana; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.dumps({"path": self.path, "headers": headers}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", f"{GRAFANA}; Path=/; HttpOnly; SameSite=Lax; Secure")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no access log."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Proxy:
    """
    A real nginx with our configuration, its addresses and certificate put in.

    Attributes:
        origin: Where browsers reach it.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._authority = trustme.CA()
        self.port = free_port()
        self.origin = f"https://{LOOPBACK}:{self.port}"

    def start(self, grafana: str, actions: str, *, user: str = "") -> None:
        """Start it; *user* is whom it names to the action service, if anybody."""
        folder = self._folder
        folder.mkdir(parents=True, exist_ok=True)
        certificate = self._authority.issue_cert(LOOPBACK)
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
        self._authority.cert_pem.write_to_path(folder / "authority.pem")
        texts = {name: (DEPLOYED / name).read_text("utf-8") for name in CONFS}
        for old, new in (
            ("127.0.0.1:3000", grafana),
            ("127.0.0.1:9848", actions),
            ("listen 443 ssl", f"listen {LOOPBACK}:{self.port} ssl"),
            ("server_name ops.example.org", f"server_name {LOOPBACK}"),
            ("/etc/ssl/ops.example.org.pem", str(folder / "both.pem")),
            ("/etc/ssl/private/ops.example.org.key", str(folder / "both.pem")),
        ):
            assert old in "".join(texts.values()), old
            texts = {name: text.replace(old, new) for name, text in texts.items()}
        if user:
            before, nobody, after = texts[CONFS[-1]].rpartition('X-Forwarded-User "";')
            assert nobody
            texts[CONFS[-1]] = f'{before}X-Forwarded-User "{user}";{after}'
        (folder / "ops").mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")
        (folder / "nginx.conf").write_text(WHOLE.format(folder=folder), "utf-8")
        command = (str(program("nginx")), "-c", str(folder / "nginx.conf"), "-p", str(folder))
        subprocess.run([*command, "-t"], check=True, capture_output=True)  # noqa: S603 - nginx
        child = Child("nginx", command, log=folder / "nginx.log")
        self._stack.callback(child.stop)
        with self.browser() as client:
            while True:
                try:
                    client.get("/")
                except httpx.ConnectError:
                    child.check()
                else:
                    return

    def browser(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.origin,
            verify=ssl.create_default_context(cafile=self._folder / "authority.pem"),
            trust_env=False,
            timeout=30.0,
        )


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Nginx before the real action service and something in Grafana's place."""
    folder = tmp_path_factory.mktemp("proxy")
    with ExitStack() as stack:
        running = Proxy(folder / "nginx", stack)
        actions = {"url": f"{running.origin}/ops-actions", "cooldown": "0s"}
        api = {"url": f"http://{LOOPBACK}:{free_port()}"}
        replica = Replica(folder, {"api": api, "actions": actions}, hash_of(PASSWORD))
        stack.callback(replica.stop)
        replica.start()
        running.start(stack.enter_context(echo()), replica.url.removeprefix("http://"))
        yield running


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Proxy]:
    """Nginx before two programs that tell what they got."""
    with ExitStack() as stack:
        running = Proxy(tmp_path / "nginx", stack)
        running.start(stack.enter_context(echo()), stack.enter_context(echo()))
        yield running


def signed_in(client: httpx.Client) -> httpx.Response:
    form = hidden(client.get("/ops-actions/login"))
    values = {**form, "user": USER, "password": PASSWORD}
    origin = {"origin": str(client.base_url).rstrip("/")}
    return client.post("/ops-actions/login", data=values, headers=origin)


def test_grafana_gets_no_cookie_of_ours(proxy: Proxy) -> None:
    with proxy.browser() as client:
        client.get("/")
        assert signed_in(client).status_code == 303
        ours = [cookie for cookie in client.cookies.jar if "ops_" in cookie.name]
        seen = client.get("/d/ops-overview").json()["headers"]["cookie"]

    assert ours
    assert {cookie.path for cookie in ours} == {"/ops-actions"}
    assert all(cookie.secure for cookie in ours)
    assert seen == GRAFANA


def test_we_get_no_cookie_of_grafana(told: Proxy) -> None:
    act = "ops_session_act=a-b_c"
    sent = f"{GRAFANA}; __Secure-ops_session=def; other=1; __Secure-{act}; xops_session=evil"
    with told.browser() as client:
        found = client.get("/ops-actions/alerts", headers={"cookie": sent}).json()

    cookies = re.findall(r"[^; ]+", found["headers"]["cookie"])
    assert cookies == ["__Secure-ops_session=def", f"__Secure-{act}"]
    assert found["path"] == "/ops-actions/alerts"


@pytest.mark.parametrize("path", ["/", "/ops-actions/"])
def test_what_clients_say_of_themselves_is_written_over(told: Proxy, path: str) -> None:
    lies = {
        "x-forwarded-user": "ann",
        "x-forwarded-for": "192.0.2.1",
        "x-real-ip": "192.0.2.1",
        "forwarded": "for=192.0.2.1",
        "x-forwarded-proto": "gopher",
    }
    with told.browser() as client:
        headers = client.get(path, headers=lies).json()["headers"]

    assert "x-forwarded-user" not in headers
    assert "forwarded" not in headers
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == LOOPBACK
    assert headers["x-forwarded-proto"] == "https"
    assert headers["host"] == f"{LOOPBACK}:{told.port}"


@pytest.mark.parametrize(
    "path",
    [
        *("webhooks/alertmanager", "metrics", "-/ready", "-/reload", "%6Detrics", "/metrics"),
        *(
            "static/%2e%2e/metrics",
            "alerts/..%2f-/reload",
            "-/../metrics",
            "webhooks%2falertmanager",
        ),
    ],
)
def test_what_is_for_machines_is_not_there_for_browsers(proxy: Proxy, path: str) -> None:
    with proxy.browser() as client:
        assert client.get(f"/ops-actions/{path}").status_code == 404
        assert client.post(f"/ops-actions/{path}").status_code == 404


def test_pages_work_and_lead_on_behind_it(proxy: Proxy) -> None:
    with proxy.browser() as client:
        moved = client.get("/ops-actions")
        led = client.get("/ops-actions/actions/refresh", headers={"accept": "text/html"})
        signed_in(client)
        page = client.get("/ops-actions/actions/ingest?repo_url=github.com/owner/name")
        form = hidden(page)
        refused = client.post(
            "/ops-actions/actions/ingest", data=form, headers={"origin": "https://evil.example"}
        )
        sent = client.post(
            "/ops-actions/actions/ingest", data=form, headers={"origin": proxy.origin}
        )
        result = client.get(sent.headers["location"])

    assert (moved.status_code, moved.headers["location"]) == (308, f"{proxy.origin}/ops-actions/")
    assert led.headers["location"].startswith("/ops-actions/login?next=")
    assert refused.status_code == 403
    assert sent.status_code == 303
    assert result.status_code == 200
    assert "Nothing was sent" in result.text or "cannot be reached" in result.text


def test_whom_the_proxy_names_is_let_in_and_whom_the_client_names_is_not(tmp_path: Path) -> None:
    with ExitStack() as stack:
        running = Proxy(tmp_path / "nginx", stack)
        settings = {
            "api": {"url": f"http://{LOOPBACK}:{free_port()}"},
            "actions": {"url": f"{running.origin}/ops-actions", "cooldown": "0s"},
            "auth": {"operators": ["ann"], "proxy": {"networks": [LOOPBACK]}},
        }
        replica = Replica(tmp_path, settings, hash_of(PASSWORD))
        stack.callback(replica.stop)
        replica.start()
        grafana = stack.enter_context(echo())
        running.start(grafana, replica.url.removeprefix("http://"), user="ann")
        with running.browser() as client:
            lie = {"x-forwarded-user": "mallory", "x_forwarded_user": "mallory"}
            page = client.get("/ops-actions/actions/refresh", headers=lie)
            sent = client.post(
                "/ops-actions/actions/refresh",
                data=hidden(page) | {"backend": "default"},
                headers={**lie, "origin": running.origin},
            )
            record = client.get(sent.headers["location"])
            elsewhere = client.get("/d/ops-overview", headers=lie).json()["headers"]

    assert page.status_code == record.status_code == 200
    assert sent.status_code == 303
    assert "ann" in record.text
    assert "mallory" not in page.text + record.text
    assert not [name for name, value in elsewhere.items() if value in {"ann", "mallory"}]
