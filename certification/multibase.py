"""Bytes as the text that credentials carry: multibase (base58btc and base64url) and the Ed25519 multikey prefix."""

import base64
import binascii

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DIGITS = {character: value for value, character in enumerate(ALPHABET)}
ED25519_PUBLIC = b"\xed\x01"
LONGEST_BASE58 = 128


def base58(data: bytes) -> str:
    """``data`` in base58btc with its multibase prefix ``z``."""
    number = int.from_bytes(data)
    digits = ""
    while number:
        number, rest = divmod(number, 58)
        digits = ALPHABET[rest] + digits
    zeros = len(data) - len(data.lstrip(b"\0"))
    return f"z{ALPHABET[0] * zeros}{digits}"


def from_base58(text: str) -> bytes:
    """The bytes written in ``text``. Raises ValueError unless it is ``z`` and base58btc of at most 128 digits."""
    digits = text[1:]
    if not text.startswith("z") or not digits or len(digits) > LONGEST_BASE58 or set(digits) - DIGITS.keys():
        raise ValueError("not a base58btc multibase text")
    number = 0
    for digit in digits:
        number = number * 58 + DIGITS[digit]
    zeros = len(digits) - len(digits.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def base64url(data: bytes) -> str:
    """``data`` in unpadded base64url with its multibase prefix ``u``."""
    return "u" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """The bytes written in ``text``. Raises ValueError unless it is ``u`` and unpadded base64url."""
    if not text.startswith("u") or "=" in text:
        raise ValueError("not an unpadded base64url multibase text")
    digits = text[1:].encode("ascii") + b"=" * (-(len(text) - 1) % 4)
    try:
        return base64.b64decode(digits, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not an unpadded base64url multibase text") from error


def multikey(public: bytes) -> str:
    """The ``publicKeyMultibase`` of a raw Ed25519 public key."""
    return base58(ED25519_PUBLIC + public)


def from_multikey(text: str) -> bytes:
    """The raw Ed25519 public key in ``text``. Raises ValueError for any other kind of key."""
    data = from_base58(text)
    if not data.startswith(ED25519_PUBLIC) or len(data) != len(ED25519_PUBLIC) + 32:
        raise ValueError("not an Ed25519 multikey")
    return data[len(ED25519_PUBLIC) :]
