"""Files of a node for the host's side, one wish per run: standard input asks, standard output answers.

Started by the keeper as the learner, in the learner's home, so the kernel decides what may be read and written; links
are followed only as far as the learner could follow them. docs/keeper-protocol.md tells the frames.

Needs nothing beyond python3-minimal.
"""

import errno
import os
import signal
import stat
import struct
import subprocess
import sys

LENGTH = struct.Struct("!I")
CHUNK_BYTES = 64 * 1024
LONGEST_FRAME = 64 * 1024
ENTRIES = 2000
DEEPEST = 200
TAR = "/bin/tar"
# Where no node is around (the engine in memory), a folder that stands for all of it.
ROOT = os.fsencode(sys.argv[1]) if len(sys.argv) > 1 else b""
WORDS = {
    errno.ENOENT: "missing",
    errno.EEXIST: "exists",
    errno.ENOTEMPTY: "exists",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENOTDIR: "not_folder",
    errno.EISDIR: "is_folder",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.ENAMETOOLONG: "bad_name",
    errno.EINVAL: "bad_name",
    errno.ELOOP: "loop",
    errno.EXDEV: "other_disk",
    errno.EBUSY: "busy",
}


class Refused(Exception):
    """The wish cannot be met; the argument is a word of the protocol."""


def take(length):
    data = bytearray()
    while len(data) < length:
        part = os.read(0, length - len(data))
        if not part:
            raise SystemExit(1)
        data += part
    return bytes(data)


def take_frame():
    length = LENGTH.unpack(take(LENGTH.size))[0]
    if length > LONGEST_FRAME:
        raise SystemExit(1)
    return take(length)


began = []


def begin():
    """The wish is met from here on; what goes wrong afterwards leaves the answer without its end."""
    began.append(True)
    say(b"ok")


def say(data=b""):
    data = LENGTH.pack(len(data)) + data
    while data:
        data = data[os.write(1, data) :]


def version_of(found):
    return b"%d-%d-%d" % (found.st_ino, found.st_size, found.st_mtime_ns)


def kind_of(found):
    for kind, matches in ((b"file", stat.S_ISREG), (b"folder", stat.S_ISDIR), (b"link", stat.S_ISLNK)):
        if matches(found.st_mode):
            return kind
    return b"other"


def place(path):
    """The path asked for; with ROOT, as if that were the whole disk and the home."""
    if b"\0" in path:
        raise Refused("bad_name")
    if ROOT:
        return os.path.join(ROOT, os.path.normpath(b"/" + path).lstrip(b"/"))
    return path or b"."


def list_folder(path, _argument):
    """Name by name: kind, what a link leads to, size, time, mode, name; the trailer says whether more was left out."""
    left_out = False
    with os.scandir(path) as entries:
        begin()
        for count, entry in enumerate(entries):
            if count >= ENTRIES:
                left_out = True
                break
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            kind, target = kind_of(found), b""
            if kind == b"link":
                try:
                    target = kind_of(os.stat(entry.path))
                except OSError:
                    target = b"nothing"
            facts = (
                kind,
                target,
                b"%d" % found.st_size,
                b"%d" % found.st_mtime,
                b"%o" % (found.st_mode & 0o7777),
            )
            say(b"\0".join((*facts, entry.name)))
    say()
    say(b"more" if left_out else b"all")


def open_file(path):
    """A descriptor of a regular file. What it is, is looked at first: opening a device or a pipe may already act."""
    for found in (os.stat(path), None):
        if found is None:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise Refused("is_folder")
        if not stat.S_ISREG(found.st_mode):
            raise Refused("not_file")
    return handle, found


def read_file(path, argument):
    """The content as it was long when it was opened, at most ``argument`` bytes; the trailer is its version."""
    limit = int(argument)
    handle, before = open_file(path)
    if before.st_size > limit:
        raise Refused("too_big")
    # A file of the kernel's tells no size; one that grows is read as long as it was.
    left = before.st_size or limit + 1
    part = os.read(handle, min(CHUNK_BYTES, left))
    begin()
    while part:
        say(part)
        left -= len(part)
        part = os.read(handle, min(CHUNK_BYTES, left)) if left else b""
    if not before.st_size and not left:
        raise SystemExit(1)
    say()
    say(version_of(before))


def write_file(path, argument):
    """What follows is the file's whole content, put there at once or not at all.

    ``argument`` is the version it must have now: "" for none (no file there), "*" for whatever it may be.
    """
    path = os.path.realpath(path)
    ensure_version(path, argument)
    folder, name = os.path.split(path)
    if not name:
        raise Refused("is_folder")
    temporary = os.path.join(folder, b".%s.%d.part" % (name[:100], os.getpid()))
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        say(b"go")
        while part := take_frame():
            while part:
                part = part[os.write(handle, part) :]
        os.fchmod(handle, mode_for(path))
        written = os.fstat(handle)
        if argument:
            ensure_version(path, argument)
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
            os.unlink(temporary)
    except BaseException:
        os.unlink(temporary)
        raise
    begin()
    say()
    say(version_of(written))


def ensure_version(path, wanted):
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if wanted not in (b"", b"*"):
            raise Refused("conflict") from None
        return
    if stat.S_ISDIR(found.st_mode):
        raise Refused("is_folder")
    if not stat.S_ISREG(found.st_mode):
        raise Refused("not_file")
    if not wanted:
        raise Refused("exists")
    if wanted != b"*" and version_of(found) != wanted:
        raise Refused("conflict")


def mode_for(path):
    try:
        return stat.S_IMODE(os.stat(path).st_mode) & 0o777
    except FileNotFoundError:
        return 0o644


def make_folder(path, _argument):
    os.mkdir(path, 0o755)
    done()


def move(path, target):
    """Renamed; what has the other name already stays untouched."""
    if os.path.lexists(target):
        raise Refused("exists")
    os.rename(path, target)
    done()


def remove(path, _argument):
    """Gone with all that is in it; links are removed, never followed, and other file systems are left alone."""
    folder, name = os.path.split(path.rstrip(b"/"))
    parent = os.open(folder or b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    remove_entry(parent, name, os.stat(name, dir_fd=parent, follow_symlinks=False).st_dev, 0)
    done()


def remove_entry(parent, name, disk, depth):
    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=parent)
        return
    if found.st_dev != disk:
        raise Refused("other_disk")
    if depth >= DEEPEST:
        raise Refused("too_deep")
    inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        for child in os.listdir(inside):
            remove_entry(inside, os.fsencode(child), disk, depth + 1)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=parent)


def look(path, _argument):
    """The trailer says what the path leads to and what it is called."""
    found = os.stat(path)
    whole = os.path.realpath(path)
    if ROOT:
        inside = (whole + b"/").startswith(os.path.realpath(ROOT) + b"/")
        whole = b"/" + os.path.relpath(whole if inside else path, os.path.realpath(ROOT))
    begin()
    say()
    say(b"\0".join((kind_of(found), b"%d" % found.st_size, version_of(found), whole)))


def pack_folder(path, _argument):
    """A tar of the folder, links as links, without other file systems."""
    whole = os.path.realpath(path)
    if not stat.S_ISDIR(os.stat(whole).st_mode):
        raise Refused("not_folder")
    folder, name = os.path.split(whole)
    command = [TAR, "--create", "--file=-", "--one-file-system", "--directory", folder or b"/"]
    command += ["--ignore-failed-read", "--", b"./" + name if name else b"."]
    with subprocess.Popen(  # noqa: S603  (its words are ours, the names come after --)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as tar:
        begin()
        while part := os.read(tar.stdout.fileno(), CHUNK_BYTES):
            say(part)
    # 1: a file changed while it was read, which is the learner's to know and no reason to hold the rest back.
    if tar.returncode not in (0, 1):
        raise SystemExit(1)
    say()
    say()


def done():
    begin()
    say()
    say()


VERBS = {
    b"list": list_folder,
    b"look": look,
    b"read": read_file,
    b"write": write_file,
    b"folder": make_folder,
    b"move": move,
    b"remove": remove,
    b"pack": pack_folder,
}


def main():
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(1))
    verb, path, argument = take_frame(), take_frame(), take_frame()
    if verb not in VERBS:
        raise SystemExit(1)
    try:
        if verb == b"remove" and os.path.basename(path.rstrip(b"/")) in (b"", b".", b".."):
            raise Refused("denied")
        if verb == b"move":
            argument = place(argument)
        VERBS[verb](place(path), argument)
    except (Refused, OSError) as error:
        if began:
            raise SystemExit(1) from None
        say((WORDS.get(error.errno, "failed") if isinstance(error, OSError) else str(error)).encode())


main()
