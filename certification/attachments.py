"""Find the credential that a PDF certificate carries. The PDF is a stranger's: a child with little time reads it.

Run as a program, this file is that child: the PDF on standard input, the attached credential on standard output.
"""

import resource
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader

NAME = "credential.json"
LARGEST_PDF = 4 * 1024 * 1024
LARGEST_CREDENTIAL = 65_536
CPU_SECONDS = 4
WALL_SECONDS = 12
MEMORY_BYTES = 512 * 1024 * 1024
NO_ATTACHMENT = 3
# Two at a time in one web process: a crowd of hostile files waits, it does not fill the machine.
SEATS = threading.BoundedSemaphore(2)


class NoCredentialInside(Exception):
    """The PDF carries no credential, or cannot be read in the time that is given to it."""


def embedded_credential(pdf: bytes) -> bytes:
    """The bytes of the credential attached to ``pdf``, as they were attached. Raises NoCredentialInside."""
    if len(pdf) > LARGEST_PDF or not SEATS.acquire(timeout=WALL_SECONDS):
        raise NoCredentialInside
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and file, no shell
            [sys.executable, "-I", str(Path(__file__))],
            input=pdf,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoCredentialInside from error
    finally:
        SEATS.release()
    if child.returncode or not child.stdout:
        raise NoCredentialInside
    return child.stdout[: LARGEST_CREDENTIAL + 1]


def _read() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    reader = PdfReader(BytesIO(sys.stdin.buffer.read(LARGEST_PDF + 1)), strict=False)
    for attachment in reader.attachment_list:
        if attachment.name == NAME:
            sys.stdout.buffer.write(attachment.content[: LARGEST_CREDENTIAL + 1])
            return 0
    return NO_ATTACHMENT


if __name__ == "__main__":
    sys.exit(_read())
