"""Sign and check documents: RDFC-1.0 canonical bytes, ``eddsa-rdfc-2022`` proofs. Pure: keys come in as arguments."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, serialize

from certification import multibase
from certification.shapes import Fault, FormError, proof_statements, statements
from certification.terms import Form, Json

CRYPTOSUITE = "eddsa-rdfc-2022"
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Proof:
    """A document's one proof, taken apart: who says to have signed, when, what, and the bytes that show it."""

    verification_method: str
    created: str
    signature: bytes
    message: bytes


def canonical(quads: Iterable[Quad]) -> bytes:
    """The RDFC-1.0 form of ``quads``: canonical N-Quads, sorted, one a line."""
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    written = serialize(dataset, format=RdfFormat.N_QUADS) or b""
    return b"".join(sorted(written.splitlines(keepends=True)))


def written_at(when: datetime) -> str:
    """``when`` as credentials write it: UTC, whole seconds, ``Z``."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key that belongs to ``key``."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def thumbprint(public: bytes) -> str:
    """RFC 7638 thumbprint of an Ed25519 public key; the name a key keeps through every rotation."""
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).decode().rstrip("=")


def sign(
    document: dict[str, Json], form: Form, key: Ed25519PrivateKey, method: str, created: datetime
) -> str:
    """The text of ``document`` with its proof by ``key``, compact and in UTF-8.

    Raises FormError when the document is not of ``form``; nothing else is ever signed.
    """
    options: dict[str, Json] = {
        "type": "DataIntegrityProof",
        "created": written_at(created),
        "verificationMethod": method,
        "cryptosuite": CRYPTOSUITE,
        "proofPurpose": "assertionMethod",
    }
    signature = key.sign(_message(document, form, options))
    proof: Json = {**options, "proofValue": multibase.base58(signature)}
    return json.dumps({**document, "proof": proof}, ensure_ascii=False, separators=(",", ":"))


def take_apart(document: dict[str, Json], form: Form) -> Proof:
    """The one proof of ``document`` and the message it must cover. Raises FormError for any other form."""
    proof = document.get("proof")
    if not isinstance(proof, dict):
        raise FormError(Fault.PROOFS, "proof")
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    message = _message(unsigned, form, options)
    try:
        signature = multibase.from_base58(str(proof.get("proofValue", "")))
    except ValueError as error:
        raise FormError(Fault.VALUE, "proof.proofValue") from error
    if len(signature) != SIGNATURE_BYTES:
        raise FormError(Fault.VALUE, "proof.proofValue")
    return Proof(str(options["verificationMethod"]), str(options["created"]), signature, message)


def is_signed_by(proof: Proof, public: bytes) -> bool:
    """Whether the holder of ``public`` (32 raw bytes) signed exactly this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(proof.signature, proof.message)
    except InvalidSignature:
        return False
    return True


def _message(document: dict[str, Json], form: Form, options: dict[str, Json]) -> bytes:
    hashes = (canonical(proof_statements(options)), canonical(statements(document, form)))
    return b"".join(hashlib.sha256(data).digest() for data in hashes)
