"""The demo people: one per role, with passwords that are kept where only the owner of the machine can read them."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import transaction

from community.api import Role, User, assign
from config.demo.texts import table

CHANGED = "(changed by its owner)"
UNKNOWN = "(set before; the file with it is gone)"


@dataclass(frozen=True)
class Person:
    """A row of people.json; ``stored`` is the digest of the password hash this password was set with."""

    username: str
    role: str
    name: str
    password: str
    stored: str = ""


def path() -> Path:
    return settings.VAR_DIR / "people.json"


def kept() -> dict[str, Person]:
    """The people written down by earlier loads, by username."""
    if not path().exists():
        return {}
    return {row["username"]: Person(**row) for row in json.loads(path().read_text(encoding="utf-8"))}


def ensure_people() -> list[Person]:
    """Every demo person has an account, role and printed name; an existing account is never changed.

    Passwords are random, written to people.json (mode 600) and kept over later loads.
    """
    before = kept()
    people = [
        ensure_person(username, entry, before.get(username))
        for username, entry in table("people.toml").items()
    ]
    if people != list(before.values()):
        write(people)
    return people


@transaction.atomic
def ensure_person(username: str, entry: dict[str, str], before: Person | None) -> Person:
    account = User.objects.filter(username=username).first()
    if account is None:
        password = before.password if before and before.stored else secrets.token_urlsafe(9)
        account = User.objects.create_user(
            username=username, email=entry["email"], password=password, printed_name=entry["name"]
        )
        assign(account, Role(entry["role"]))
    else:
        password = password_of(account, before)
    known = password not in {CHANGED, UNKNOWN}
    return Person(
        username=username,
        role=entry["role"],
        name=account.name_to_print,
        password=password,
        stored=fingerprint(account) if known else "",
    )


def password_of(account: User, before: Person | None) -> str:
    """The password as written down, or that it no longer holds."""
    if before is None:
        return UNKNOWN
    if before.stored and before.stored == fingerprint(account):
        return before.password
    return before.password if check_password(before.password, account.password) else CHANGED


def fingerprint(account: User) -> str:
    return hashlib.sha256(account.password.encode()).hexdigest()


def write(people: list[Person]) -> None:
    """people.json holds ``people``, readable by its owner alone from the first byte on."""
    path().parent.mkdir(parents=True, exist_ok=True)
    part = path().with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(
        json.dumps([asdict(person) for person in people], ensure_ascii=False, indent=1), encoding="utf-8"
    )
    part.replace(path())
