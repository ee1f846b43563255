"""What the process environment may say, read once and checked; everything else is code."""

import re
import secrets
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent.parent


class Environment(BaseSettings):
    """Names in upper case are the environment variables; docs/settings.md lists each with its meaning."""

    model_config = SettingsConfigDict(env_prefix="", case_sensitive=False, extra="ignore")

    yunlian_var: Path = ROOT / "var"
    secret_key: str = ""
    public_url: str = "http://localhost:8000"
    allowed_hosts: Annotated[list[str], NoDecode] = Field(default_factory=list)
    database_url: str = ""
    redis_url: str = ""
    installation_id: str = ""
    signing_key_file: Path | None = None
    email_url: str = ""
    sandbox_driver: str = "docker"
    sandbox_subnets: str = "10.213.0.0/16"
    sandbox_uids: str = "200000-299999"
    sandbox_capacity_cpus: float = 0
    sandbox_capacity_mib: int = 0
    sandbox_memory_overcommit: float = Field(default=1.0, ge=0.1, le=10)
    sandbox_reserve_mib: int = Field(default=256, ge=0)
    sandbox_disk_percent: int = Field(default=95, ge=1, le=100)
    sandbox_disk_free_mib: int = Field(default=1024, ge=0)
    sandbox_pool_percent: int = Field(default=25, ge=0, le=100)
    sandbox_keeper_gid: int = 0
    preview_host: str = ""
    django_debug: bool = False
    labs_metrics_token: str = ""
    log_format: Literal["lines", "json"] = "lines"

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def split_hosts(cls, value: object) -> object:
        return [h.strip() for h in value.split(",") if h.strip()] if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def without_slash(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("PUBLIC_URL must look like https://labs.example.org, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("preview_host")
    @classmethod
    def plain_host(cls, value: str) -> str:
        host = value.strip().lower().strip(".")
        if host and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
            raise ValueError(
                "PREVIEW_HOST must be a host name like preview.example.org, without scheme and port"
            )
        return host

    @model_validator(mode="after")
    def kept_public_url(self) -> Self:
        """Without PUBLIC_URL, the address that the first ``./dev up`` fixed."""
        kept = self.yunlian_var / "public-url"
        if "public_url" not in self.model_fields_set and kept.exists():
            self.public_url = kept.read_text().strip()
        return self


# How long a thread keeps its connection to the database.
KEPT_S = 60


def database(url: str, var: Path) -> dict[str, object]:
    """Django's DATABASES entry for ``url``; the embedded SQLite under ``var`` when it is empty.

    Raises ValueError when the URL names an engine this product does not run on.
    """
    if not url:
        url = f"sqlite:///{var / 'db.sqlite3'}"
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # IMMEDIATE + WAL + a patient timeout: measured 0 errors with 4 writers; docs/decisions/0003.
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path),
            # To open one takes longer than ten questions. Threads that are kept keep theirs.
            "CONN_MAX_AGE": KEPT_S,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    if parts.scheme in {"postgres", "postgresql"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": KEPT_S,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    raise ValueError(
        f"DATABASE_URL starts with {parts.scheme}://; this product runs on sqlite:// or postgresql://"
    )


def email(url: str) -> dict[str, object]:
    """Django's EMAIL_ settings for ``smtp://user:password@host:port?from=address`` (``smtps`` for TLS from the start);
    mail goes to the log when it is empty.

    Raises ValueError when the URL is of another kind.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError(
            "EMAIL_URL must look like smtp://user:password@mail.example.org:587?from=labs@example.org"
        )
    settings: dict[str, object] = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and parts.port != 25,
        "EMAIL_TIMEOUT": 20,
    }
    sender = parse_qs(parts.query).get("from")
    return settings | ({"DEFAULT_FROM_EMAIL": sender[0], "SERVER_EMAIL": sender[0]} if sender else {})


def secret(path: Path) -> str:
    """The secret kept in ``path`` (mode 600), made at the first call."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text().strip()
