"""The signing key, which lives in a file and nowhere else, and the issuer that it makes us."""

import os
import stat
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from certification import multibase
from certification.issuers import Issuer, did_of, method_id
from certification.models import IssuerKey
from certification.signing import public_bytes, thumbprint


class KeyProblem(Exception):
    """The signing key cannot be used; the message names the cause and the fix, never the key."""


def signing_key() -> Ed25519PrivateKey:
    """The key that signs today.

    Made with mode 600 at the first call where CERTIFICATION_MAKE_SIGNING_KEY allows it. Raises KeyProblem.
    """
    path = Path(settings.CERTIFICATION_SIGNING_KEY_FILE)
    if not path.exists():
        _make(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyProblem(f"{path} can be read by others; run: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyProblem(f"{path} holds no unencrypted PEM key; put an Ed25519 key there") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path} holds another kind of key; credentials are signed with Ed25519")
    return key


def _make(path: Path) -> None:
    """A new key is at ``path``; when two processes make one at once, one wins and both use it."""
    if not settings.CERTIFICATION_MAKE_SIGNING_KEY:
        raise KeyProblem(
            f"there is no signing key at {path}; make one with"
            f" 'openssl genpkey -algorithm ed25519 -out {path}' and 'chmod 600 {path}'"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)


def our_did() -> str:
    return did_of(settings.PUBLIC_URL)


def our_method(key: Ed25519PrivateKey) -> str:
    """The verification method of ``key``; its public half is on record from now on."""
    public = public_bytes(key)
    name = thumbprint(public)
    IssuerKey.objects.get_or_create(
        thumbprint=name, defaults={"public_multibase": multibase.multikey(public)}
    )
    return method_id(our_did(), name)


def our_issuer() -> Issuer:
    """This installation as an issuer, with every key that ever signed here."""
    did = our_did()
    return Issuer(
        did=did,
        name=settings.CERTIFICATION_ISSUER_NAME,
        url=settings.PUBLIC_URL,
        keys={method_id(did, key.thumbprint): key.public_bytes for key in IssuerKey.objects.all()},
    )
