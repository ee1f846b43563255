"""Who signs: did:web names, verification methods and the documents that publish them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from certification import multibase
from certification.terms import Json

DID_CONTEXTS = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")


@dataclass(frozen=True)
class Issuer:
    """An issuer that is trusted here: its did, its name, and its keys old and new by method id."""

    did: str
    name: str
    url: str
    keys: Mapping[str, bytes]


def did_of(public_url: str) -> str:
    """The did:web of the site at ``public_url``; a port is percent-encoded, as the method asks."""
    return f"did:web:{quote(urlsplit(public_url).netloc.lower(), safe='.-')}"


def method_id(did: str, thumbprint: str) -> str:
    """The verification method that the key with ``thumbprint`` is published under."""
    return f"{did}#{thumbprint}"


def did_document(issuer: Issuer) -> dict[str, Json]:
    """The did document: every key that ever signed, so that old credentials stay checkable."""
    methods: list[Json] = [
        {
            "id": method,
            "type": "Multikey",
            "controller": issuer.did,
            "publicKeyMultibase": multibase.multikey(public),
        }
        for method, public in sorted(issuer.keys.items())
    ]
    return {
        "@context": list(DID_CONTEXTS),
        "id": issuer.did,
        "verificationMethod": methods,
        "assertionMethod": [*sorted(issuer.keys)],
    }


def profile(issuer: Issuer) -> dict[str, Json]:
    """The issuer as a credential names it."""
    return {"id": issuer.did, "type": ["Profile"], "name": issuer.name, "url": issuer.url}
