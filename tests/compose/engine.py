"""Debian's Docker engine, on a socket and a folder of its own, and what compose runs there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from scripts.children import LOOPBACK, Child
from tests.conftest import ROOT, program

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE: Final = ROOT / ".cache"
_BASE: Final = "ops-base"
# What the images of others have, from Debian: base of our image, Prometheus, Alertmanager, nginx.
_PACKAGES: Final = (
    "busybox,ca-certificates,nginx-light,prometheus,prometheus-alertmanager,python3,python3-venv"
)
_CERTIFICATES: Final = Path("etc/ssl/certs/ca-certificates.crt")
STAND_INS: Final = {
    "PROMETHEUS_IMAGE": ("prometheus", "/prometheus"),
    "ALERTMANAGER_IMAGE": ("prometheus-alertmanager", "/alertmanager"),
}
_DEADLINE_S: Final = 60.0


class Engine:
    """
    A running engine.

    It changes no rule of the machine's firewall and no setting of its network: published ports are
    served by Docker's own proxy. What it builds is kept below ``.cache`` for the next time.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        binaries = {name: program(name) for name in ("dockerd", "docker", "docker-compose")}
        self._docker = binaries["docker"]
        unpacked = CACHE / "debian" / "usr"
        self._compose = (
            *("/usr/bin/python3", str(unpacked / "bin" / "docker-compose")),
            *("--file", str(ROOT / "docker-compose.yml")),
        )
        # Sockets have short names, however deep this folder is.
        self._folder = Path(tempfile.mkdtemp(prefix="ops-docker-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._socket = f"unix://{self._folder / 'engine'}"
        path = os.pathsep.join(
            (*(str(unpacked / folder) for folder in ("bin", "sbin")), os.environ["PATH"])
        )
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OPS_")},
            "PATH": path,
            "DOCKER_HOST": self._socket,
            "DOCKER_BUILDKIT": "0",  # the builder that needs no plugin
            "DOCKER_CONFIG": str(self._folder),
            "PYTHONPATH": str(unpacked / "lib" / "python3" / "dist-packages"),
        }
        self._dockerd = binaries["dockerd"]

    def __enter__(self) -> Self:
        words = (
            *(str(self._dockerd), "--host", self._socket),
            *("--data-root", str(CACHE / "docker"), "--exec-root", str(self._folder / "exec")),
            *("--pidfile", str(self._folder / "pid"), "--bridge", "none"),
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
        )
        child = Child("dockerd", words, log=CACHE / "dockerd.log", env=self._env)
        self._stack.callback(child.stop)
        deadline = time.monotonic() + _DEADLINE_S
        while self.run("version", check=False).returncode != 0:
            child.check()
            assert time.monotonic() < deadline, child.tail()
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(
        self, *words: str, check: bool = True, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``docker`` with *words*, and *text* on its standard input."""
        return _done((str(self._docker), *words), self._env, check=check, text=text)

    def compose(
        self, *words: str, settings: Mapping[str, str], check: bool = True, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``docker-compose`` on our file, with *settings* as its variables."""
        return _done((*self._compose, *words), {**self._env, **settings}, check=check, text=text)

    def build(self, image: str) -> None:
        """Build our Dockerfile into *image*, and what stands in for the images of others."""
        if not self.run("images", "--quiet", _BASE).stdout.strip():
            self._make_base()
        for name, folder in STAND_INS.values():
            lines = (
                f"FROM {_BASE}",
                f"RUN mkdir -p {folder} && chown 65534:65534 {folder}",
                f'ENTRYPOINT ["{name}"]',
            )
            self.run("build", "--quiet", "--tag", f"ops-{name}", "-", text="\n".join(lines))
        self.run(
            *("build", "--network", "host", "--build-arg", f"BASE={_BASE}"),
            *("--tag", image, str(ROOT)),
        )

    def images(self) -> dict[str, str]:
        """Return the variables of docker-compose.yml that name the stand-ins."""
        ours = {variable: f"ops-{name}" for variable, (name, _) in STAND_INS.items()}
        return {**ours, "NGINX_IMAGE": _BASE}

    def _make_base(self) -> None:
        with tempfile.TemporaryDirectory(prefix="ops-base-") as name:
            folder = Path(name)
            tool = program("debootstrap")
            env = {**self._env, "DEBOOTSTRAP_DIR": str(CACHE / "debian/usr/share/debootstrap")}
            options = ("--variant=minbase", f"--include={_PACKAGES}", "bookworm")
            _done((str(tool), *options, str(folder), _archive()), env)
            # The packages of Python come through whatever this machine trusts.
            trusted = os.environ.get("PIP_CERT") or f"/{_CERTIFICATES}"
            shutil.copyfile(trusted, folder / _CERTIFICATES)
            (folder / "usr/bin/wget").symlink_to("/bin/busybox")
            archive = folder.with_suffix(".tar")
            try:
                _done(("tar", "-C", str(folder), "-cf", str(archive), "."), env)
                change = f"ENV PIP_CERT=/{_CERTIFICATES}"
                self.run("import", "--change", change, str(archive), _BASE)
            finally:
                archive.unlink(missing_ok=True)


def _archive() -> str:
    """Return where this machine takes Debian's packages from."""
    command = ("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    lines = _done(command, dict(os.environ)).stdout.split()
    return next(line for line in lines if line.rstrip("/").endswith("/debian"))


def _done(
    command: tuple[str, ...],
    env: Mapping[str, str],
    *,
    check: bool = True,
    text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(  # noqa: S603 - Debian's programs
        command, env=dict(env), input=text, capture_output=True, text=True, check=False, cwd=ROOT
    )
    if check and done.returncode != 0:
        words = " ".join(command)
        message = f"{words} ended with exit code {done.returncode}:\n{done.stdout}\n{done.stderr}"
        raise AssertionError(message)
    return done


def proxied(port: int) -> str:
    """Return the URL of a published port."""
    return f"http://{LOOPBACK}:{port}"
