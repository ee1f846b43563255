"""Whether the sandbox images are as the source wants them, without starting Django to find out."""

import hashlib
import json
from pathlib import Path
from urllib.parse import quote

from config.launch import engine
from config.launch.installation import ROOT

OURS = quote(json.dumps({"reference": ["yunlian/*"]}))


def digest() -> str:
    """Changes with the images' folders (the labs' texts are no image) and with the code that builds them."""
    result = hashlib.sha256()
    for folder in ("sandbox_images", "labs/drivers/docker"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and ROOT / "sandbox_images/labs" not in path.parents:
                result.update(str(path.relative_to(ROOT)).encode())
                result.update(path.read_bytes())
    return result.hexdigest()


def present() -> list[str]:
    """The ids of our images that the engine holds."""
    return sorted(image["Id"] for image in json.loads(engine.ask(f"/images/json?filters={OURS}") or b"[]"))


def are_built(record: Path) -> bool:
    """Whether the engine still holds every image of the last complete build, and it was a build of this source."""
    try:
        built = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return False
    return bool(built["images"]) and built["digest"] == digest() and set(built["images"]) <= set(present())


def keep_built(record: Path) -> None:
    record.write_text(json.dumps({"digest": digest(), "images": present()}))
