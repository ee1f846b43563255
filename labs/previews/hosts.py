"""The origin of a preview: one host name for each port of each node, below LABS_PREVIEW_HOST."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

LABEL = re.compile(r"(?P<port>[1-9][0-9]{0,4})-(?P<node>[a-z][a-z0-9-]{0,29})-(?P<ref>[a-z0-9]{1,26})")
LARGEST_PORT = 65_535


@dataclass(frozen=True)
class Target:
    """A port of a node of a sandbox."""

    ref: str
    node: str
    port: int

    @property
    def label(self) -> str:
        return f"{self.port}-{self.node}-{self.ref}"

    @property
    def host(self) -> str:
        """With the site's port, as browsers say it."""
        port = urlsplit(settings.PUBLIC_URL).port
        return f"{self.label}.{settings.LABS_PREVIEW_HOST}" + (f":{port}" if port else "")

    @property
    def origin(self) -> str:
        return f"{urlsplit(settings.PUBLIC_URL).scheme}://{self.host}"


def are_offered() -> bool:
    return bool(settings.LABS_PREVIEW_HOST)


def is_preview(host: str) -> bool:
    """Whether a request for ``host`` is for a preview, whichever, and so never for the site."""
    name = host.lower().rpartition("]")[2].split(":")[0].rstrip(".")
    above = settings.LABS_PREVIEW_HOST.lower()
    return bool(above) and (name == above or name.endswith(f".{above}"))


def target_of(host: str) -> Target | None:
    """The port that exactly this host stands for; None for any other spelling."""
    label, _dot, _rest = host.partition(".")
    found = LABEL.fullmatch(label)
    if found is None or int(found["port"]) > LARGEST_PORT:
        return None
    target = Target(found["ref"], found["node"], int(found["port"]))
    return target if target.host == host else None
