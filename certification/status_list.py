"""Bitstring Status Lists: 131,072 entries of one bit, packed, published and read back. Pure."""

import gzip
import io
import zlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from certification import multibase
from certification.shapes import CREDENTIALS_V2
from certification.signing import written_at
from certification.terms import Json

ENTRIES = 131_072
BYTES = ENTRIES // 8


class Purpose(StrEnum):
    """What a set bit means."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


class UnreadableList(ValueError):
    """The encoded list is not one that can be relied on; status is unknown, never "not revoked"."""


def encode(indexes: Iterable[int]) -> str:
    """The encoded list with exactly the bits of ``indexes`` set; the same indexes give the same text.

    Raises ValueError for an index outside 0 to 131,071.
    """
    bits = bytearray(BYTES)
    for index in indexes:
        if not 0 <= index < ENTRIES:
            raise ValueError(f"{index} is no entry of a list of {ENTRIES}")
        bits[index // 8] |= 0x80 >> (index % 8)
    return multibase.base64url(gzip.compress(bytes(bits), mtime=0))


def decode(encoded: str) -> bytes:
    """The bits of an encoded list, the first entry in the highest bit of the first byte.

    Raises UnreadableList unless it unpacks to exactly 131,072 entries; never unpacks more than that.
    """
    try:
        packed = multibase.from_base64url(encoded)
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as unpacked:
            bits = unpacked.read(BYTES + 1)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise UnreadableList("the list does not unpack") from error
    if len(bits) != BYTES:
        raise UnreadableList(f"the list does not hold {ENTRIES} entries")
    return bits


def is_set(bits: bytes, index: int) -> bool:
    """Whether the entry ``index`` is set. Raises UnreadableList when the list has no such entry."""
    if not 0 <= index < len(bits) * 8:
        raise UnreadableList(f"the list has no entry {index}")
    return bool(bits[index // 8] & (0x80 >> (index % 8)))


def document(
    url: str,
    issuer: str,
    purpose: Purpose,
    indexes: Iterable[int],
    valid_from: datetime,
    valid_until: datetime,
) -> dict[str, Json]:
    """The unsigned status list credential published at ``url``."""
    return {
        "@context": [CREDENTIALS_V2],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": written_at(valid_from),
        "validUntil": written_at(valid_until),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose.value,
            "encodedList": encode(indexes),
        },
    }
