"""How much two texts have in common: the same for the same texts for ever, for Chinese and for English.

Only a warning to people rests on it; no score ever does.
"""

import hashlib
import re
import unicodedata
from fractions import Fraction
from itertools import pairwise

CJK = r"\u3400-\u9fff\uf900-\ufaff"
TOKEN = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
BANDS, ROWS = 24, 2
PRIME = (1 << 61) - 1


def shingles(text: str) -> frozenset[str]:
    """The pieces ``text`` is compared by: pairs of neighbouring Chinese characters, words, and pairs of words.

    Case, width, punctuation and markup make no difference.
    """
    pieces: set[str] = set()
    words: list[str] = []
    for token in TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()):
        if re.match(f"[{CJK}]", token):
            pieces.update(one + other for one, other in pairwise(token))
            if len(token) == 1:
                pieces.add(token)
        else:
            words.append(token)
    pieces.update(words)
    pieces.update(f"{one} {other}" for one, other in pairwise(words))
    return frozenset(pieces)


def likeness(one: frozenset[str], other: frozenset[str]) -> Fraction:
    """Shared pieces of all pieces, 0 to 1 exactly; nothing is like an empty text."""
    union = len(one | other)
    return Fraction(len(one & other), union) if union and one and other else Fraction(0)


def bands(pieces: frozenset[str]) -> tuple[int, ...]:
    """``BANDS`` numbers below 2**61; texts that are more than half alike share at least one of them almost surely.

    MinHash with ``ROWS`` hashes in a band: a likeness of 0.6 shares a band with a chance of 0.99998.
    """
    if not pieces:
        return ()
    told = [_number(piece) for piece in pieces]
    found = []
    for band in range(BANDS):
        least = [min((a * value + b) % PRIME for value in told) for a, b in _COEFFICIENTS[band]]
        found.append(_number(":".join(map(str, (band, *least)))))
    return tuple(found)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) % PRIME


_COEFFICIENTS = tuple(
    tuple((_number(f"a{band}/{row}") or 1, _number(f"b{band}/{row}")) for row in range(ROWS))
    for band in range(BANDS)
)
