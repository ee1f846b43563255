"""One installation: its folder, its address, its one launcher at a time."""

import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from config.launch.console import Failure, table

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_SOCKET_PATH = 107
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104


@dataclass(frozen=True)
class Wish:
    """What the command line asked for; None means as before."""

    host: str | None = None
    port: int | None = None
    change_url: bool = False


class Installation:
    """The folder VAR_DIR and what the launcher keeps in it."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.run = var / "run"
        self.logs = var / "logs"
        self.broker = var / "broker"
        self._lock: IO[str] | None = None

    @classmethod
    def here(cls) -> "Installation":
        return cls(Path(os.environ.get("YUNLIAN_VAR") or ROOT / "var").absolute())

    def make_folders(self) -> None:
        """VAR_DIR and the launcher's folders exist, closed to other users."""
        try:
            for folder in (self.var, self.run, self.logs, self.broker, self.var / "static"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Failure(
                f"{error.filename} cannot be made ({error.strerror}).",
                "set YUNLIAN_VAR to a folder you may write",
            ) from error
        longest = self.var / "keepers" / ("x" * 32) / "keeper.sock"
        if len(bytes(longest)) > LONGEST_SOCKET_PATH:
            raise Failure(
                f"The path {self.var} is too long: sockets below it would pass {LONGEST_SOCKET_PATH} bytes.",
                "set YUNLIAN_VAR to a folder with a shorter path, such as /var/lib/yunlian",
            )

    # --- one launcher at a time ---

    def take(self) -> bool:
        """This process is the installation's launcher; False when another one is."""
        lock = (self.run / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_running(self) -> bool:
        """Whether a launcher holds the installation now."""
        if not (self.run / "lock").exists():
            return False
        free = self.take()
        if free:
            self.release()
        return not free

    def wait_until_released(self) -> None:
        """No launcher holds the installation any more."""
        with (self.run / "lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    # --- what a launcher tells the others ---

    def state(self) -> dict[str, Any]:
        """What the last launcher wrote: pid, url, ready, processes; empty when none did."""
        try:
            found: dict[str, Any] = json.loads((self.run / "state.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def write_state(self, **facts: object) -> None:
        part = self.run / "state.json.part"
        part.write_text(json.dumps(facts))
        part.replace(self.run / "state.json")

    def forget_state(self) -> None:
        (self.run / "state.json").unlink(missing_ok=True)

    # --- the address, fixed at the first start ---

    @property
    def saved_url(self) -> str:
        path = self.var / "public-url"
        return path.read_text().strip() if path.exists() else ""

    def listen_address(self, wish: Wish) -> tuple[str, int]:
        """Where to listen: as asked, else as the last time, else 127.0.0.1:8000."""
        path = self.run / "listen.json"
        host, port = json.loads(path.read_text()) if path.exists() else ("127.0.0.1", 8000)
        return wish.host or host, wish.port or port

    def keep_listen_address(self, host: str, port: int) -> None:
        (self.run / "listen.json").write_text(json.dumps([host, port]))

    def wanted_url(self, wish: Wish) -> str:
        """The public address this start asks for; the saved one when it asks for none."""
        told = os.environ.get("PUBLIC_URL", "").rstrip("/")
        if told:
            return told
        if self.saved_url and wish.host is None and wish.port is None:
            return self.saved_url
        host, port = self.listen_address(wish)
        if host in WILDCARDS and self.saved_url and port == self.listen_address(Wish())[1]:
            return self.saved_url
        host = "localhost" if host in {"127.0.0.1", "::1", *WILDCARDS} else host
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def keep_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            raise Failure(
                f"PUBLIC_URL={url} is no address of a site.",
                "write it like https://labs.example.org, without a path",
            )
        (self.var / "public-url").write_text(url + "\n")

    # --- what the processes are told ---

    def environment(self) -> dict[str, str]:
        """The environment of every process of this installation."""
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "YUNLIAN_VAR": str(self.var),
            "PUBLIC_URL": os.environ.get("PUBLIC_URL") or self.saved_url or "http://localhost:8000",
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE") or "config.settings.dev",
            "PYTHONUNBUFFERED": "1",
        }

    # --- what was prepared already ---

    def is_prepared(self) -> bool:
        """Whether database and demo world are as this very source makes them."""
        if os.environ.get("DATABASE_URL"):
            return False
        path = self.var / "prepared"
        return (
            (self.var / "db.sqlite3").exists()
            and (self.var / "people.json").exists()
            and path.exists()
            and path.read_text() == source_digest(self.environment()["PUBLIC_URL"])
        )

    def keep_prepared(self) -> None:
        (self.var / "prepared").write_text(source_digest(self.environment()["PUBLIC_URL"]))

    # --- the demo people ---

    def people(self) -> list[dict[str, str]]:
        """The demo people with their passwords, as load_demo wrote them."""
        path = self.var / "people.json"
        if not path.exists():
            return []
        found = json.loads(path.read_text())
        return list(found.values()) if isinstance(found, dict) else list(found)

    def people_table(self) -> str:
        rows = [(p["username"], p.get("role", p["username"]), p["password"]) for p in self.people()]
        return table(("username", "role", "password"), rows) if rows else "  (no demo people)"


def source_digest(public_url: str) -> str:
    """Changes whenever the schema, the demo world or the code that makes them may have changed."""
    digest = hashlib.sha256(public_url.encode())
    digest.update((ROOT / "requirements.lock").read_bytes())
    for folder in ("certification", "community", "config", "courses", "labs", "sandbox_images/labs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".toml", ".md", ".sh", ".json", ".po", ".png", ".jpg", ".svg"}:
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
