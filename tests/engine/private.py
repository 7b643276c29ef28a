"""A dockerd of one's own: data, sockets and log in a temporary folder; nothing of the machine's is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import docker
from docker.errors import DockerException


def why_not() -> str:
    """Return why no engine can be started here, empty when one can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "a private dockerd needs root"
    return "" if shutil.which("dockerd") else "there is no dockerd (apt-get install docker.io)"


def debian_13() -> Path:
    """Return a folder with Debian 13 and its Docker 26.1, made on first use. Raises RuntimeError where it cannot be."""
    script = Path(__file__).parents[2] / "dev" / "engines" / "debian-13.sh"
    done = subprocess.run(["bash", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"no Debian 13: {done.stderr.strip() or done.returncode}")
    return Path(done.stdout.strip())


class PrivateEngine:
    """A running dockerd as a context manager; ``host`` is its address. Raises RuntimeError if it does not start."""

    def __init__(
        self, *, root: Path | None = None, containerd: bool = False, podman: bool = False, mirror: str = ""
    ) -> None:
        """Run the machine's dockerd, or that of the system under ``root``; ``containerd`` chooses its image store.

        ``podman``: Podman's API in place of a dockerd; its storage is in ``data`` too.
        ``mirror``: the address of a mirror of Docker Hub.
        """
        self.root = root
        self.containerd = containerd
        self.podman = podman
        self.mirror = mirror
        # short: the path of a socket has at most 107 characters
        self.folder = Path(tempfile.mkdtemp(prefix="lse-", dir="/tmp"))
        if root is not None:  # the same path inside and outside
            inside = root / self.folder.relative_to("/")
            inside.mkdir(parents=True)
            subprocess.run(["mount", "--bind", self.folder, inside], check=True)
        self.host = f"unix://{self.folder}/docker.sock"
        self._log = self.folder / "log"

    def __enter__(self) -> PrivateEngine:
        self.start()
        return self

    def start(self) -> None:
        """Start it, for the first time or once more. Raises RuntimeError if it does not."""
        command = [] if self.root is None else ["chroot", str(self.root)]
        command += self._podman() if self.podman else self._dockerd()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with docker.APIClient(self.host, version="auto") as client:
                    client.ping()
                return
            except DockerException:
                time.sleep(0.2)
        words = self._log.read_text(errors="replace").splitlines()[-5:]
        self.__exit__(None, None, None)
        raise RuntimeError("dockerd did not start: " + " | ".join(words))

    def _dockerd(self) -> list[str]:
        command = ["/usr/sbin/dockerd" if self.root else "dockerd", "--host", self.host]
        command += ["--pidfile", f"{self.folder}/pid"]
        command += ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        command += ["--registry-mirror", self.mirror] if self.mirror else []
        return [*command, "--iptables=false", "--bridge=none", "--config-file", self._config()]

    def _podman(self) -> list[str]:
        command = ["podman", "--root", f"{self.folder}/data", "--runroot", f"{self.folder}/exec"]
        command += ["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--runtime", "runc"]
        return [*command, "system", "service", "--time=0", self.host]

    def kill(self) -> None:
        """Let it die on the spot, as for want of memory: nothing is put in order. :meth:`start` starts it again."""
        self._process.kill()
        self._process.wait()
        # Its containerd dies with it; where nobody reaps that, the next one would take its number for a live one.
        for name in ("pid", "exec/containerd/containerd.pid"):
            Path(self.folder, name).unlink(missing_ok=True)

    def stop(self) -> None:
        """Let it end in order, its containers with it. :meth:`start` starts it again."""
        with suppress(DockerException, OSError), docker.APIClient(self.host, version="auto") as client:
            for row in client.containers():
                client.kill(row["Id"])  # dockerd would wait ten seconds for it
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._unmount(f"{self.folder}/data/")

    def _unmount(self, below: str) -> None:
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            target = line.split()[1]
            if target.startswith(below):
                subprocess.run(["umount", "-l", target], check=False, capture_output=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        inside = None if self.root is None else self.root / self.folder.relative_to("/")
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            target = line.split()[1]
            if target.startswith(f"{self.folder}/") or (inside and Path(target).is_relative_to(inside)):
                subprocess.run(["umount", "-l", target], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if inside is not None:
            with suppress(OSError):
                inside.rmdir()

    def _config(self) -> str:
        path = self.folder / "daemon.json"
        path.write_text(json.dumps({"features": {"containerd-snapshotter": True}} if self.containerd else {}))
        return str(path)
