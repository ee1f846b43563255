"""Zip files from strangers, read whole into memory or refused: nothing is written, followed or opened twice."""

import io
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from courses.exams.interchange.base import Notes

MOST_ENTRIES = 5_000
MOST_UNPACKED = 128 * 2**20
MOST_ENTRY = 32 * 2**20
MOST_RATIO = 200
SMALL = 64 * 2**10  # below this, how much an entry grows is nobody's worry
CHUNK = 64 * 2**10
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
LINKS = {stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK}
PACKAGES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")


def is_package(data: bytes) -> bool:
    return data.startswith(PACKAGES[:2])


def unpack(data: bytes, notes: Notes) -> Mapping[str, bytes]:
    """The files of the zip by their path; a package in the package is noted and left closed.

    Sizes are counted while unpacking, never believed. Raises Refused.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return MappingProxyType(_unpacked(package, notes))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        if isinstance(error, ValueError) and hasattr(error, "told"):
            raise
        notes.refuse("package_broken", reason=error)


def _unpacked(package: zipfile.ZipFile, notes: Notes) -> dict[str, bytes]:
    entries = package.infolist()
    if len(entries) > MOST_ENTRIES:
        notes.refuse("package_too_many_entries", most=MOST_ENTRIES)
    seen: set[str] = set()
    files: dict[str, bytes] = {}
    total = 0
    for entry in entries:
        _check(entry, seen, notes)
        if entry.is_dir():
            continue
        content = _content(package, entry, MOST_UNPACKED - total, notes)
        total += len(content)
        if content.startswith(PACKAGES):
            notes.lost("package_nested", 0, name=entry.filename)
        else:
            files[entry.filename] = content
    return files


def _check(entry: zipfile.ZipInfo, seen: set[str], notes: Notes) -> None:
    """Raises Refused for an entry that has no place in a package of questions."""
    # orig_filename is the name before zipfile cuts it at a NUL and turns the separators.
    name = entry.orig_filename
    parts = name.rstrip("/").split("/")
    if (
        "\\" in name
        or ":" in name
        or any(ord(sign) < 32 or ord(sign) == 127 for sign in name)
        or any(part in {"", ".", ".."} for part in parts)
    ):
        notes.refuse("package_path", name=name)
    if stat.S_IFMT(entry.external_attr >> 16) in LINKS:
        notes.refuse("package_link", name=name)
    if entry.flag_bits & 0x41:
        notes.refuse("package_encrypted", name=name)
    if entry.compress_type not in METHODS:
        notes.refuse("package_method", name=name)
    same = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.rstrip("/")).casefold())
    if same in seen:
        notes.refuse("package_twice", name=name)
    seen.add(same)


def _content(package: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int, notes: Notes) -> bytes:
    kept = bytearray()
    with package.open(entry) as stream:
        while chunk := stream.read(CHUNK):
            kept += chunk
            if len(kept) > MOST_ENTRY:
                notes.refuse("package_entry_too_large", name=entry.filename, most=MOST_ENTRY)
            if len(kept) > room:
                notes.refuse("package_too_large", most=MOST_UNPACKED)
            if len(kept) > SMALL and len(kept) > MOST_RATIO * max(1, entry.compress_size):
                notes.refuse("package_ratio", name=entry.filename, most=MOST_RATIO)
    return bytes(kept)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of the files, the same bytes for the same files whenever it is made."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            package.writestr(entry, files[name])
    return target.getvalue()
