"""The keeper's language, as docs/keeper-protocol.md tells it: frames of a type, a length and a body. Pure."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from labs.drivers.base import CHUNK_BYTES, Exited, Gap, Hello, Modes, Output, Resized, TerminalEvent

Bytes = bytes | memoryview

HEADER = struct.Struct("!BI")
ATTACH_BODY = struct.Struct("!BQHH")
WATCH_BODY = struct.Struct("!BQ")
HELLO_BODY = struct.Struct("!16sQQHH")
SIZE_BODY = struct.Struct("!HH")
OFFSET_BODY = struct.Struct("!Q")
GAP_BODY = struct.Struct("!QQ")
EXIT_BODY = struct.Struct("!i")
MODES_BODY = struct.Struct("!QB")
ECHOES, CANONICAL = 1, 2
PORT_BODY = struct.Struct("!B4sH")
TO_PORT, TO_FILES, TO_EGRESS = 1, 2, 3
INPUT_BYTES = 16 * 1024
LONGEST_BODY = OFFSET_BODY.size + CHUNK_BYTES


class Frame(IntEnum):
    GO = 0x01
    ATTACH = 0x02
    INPUT = 0x03
    RESIZE = 0x04
    ACK = 0x05
    STOP = 0x06
    WATCH = 0x07
    OPEN = 0x10
    READY = 0x81
    HELLO = 0x82
    OUTPUT = 0x83
    GAP = 0x84
    RESIZED = 0x85
    EXIT = 0x86
    FAILED = 0x87
    TAKEN = 0x88
    MODES = 0x89
    OPENED = 0x90


OUTPUT = int(Frame.OUTPUT)


class BrokenFrame(ValueError):
    """The other side does not speak the protocol."""


@dataclass(frozen=True)
class Taken:
    """The terminal has taken so many bytes of this client's input, in all."""

    total: int


@dataclass(frozen=True)
class Failed:
    """The keeper refused and will hang up."""

    reason: str


Said = TerminalEvent | Hello | Taken | Failed


def pack(frame: Frame, body: bytes = b"") -> bytes:
    return HEADER.pack(frame, len(body)) + body


def attach(terminal: int, offset: int, cols: int, rows: int) -> bytes:
    return pack(Frame.ATTACH, ATTACH_BODY.pack(terminal, offset, cols, rows))


def watch(terminal: int, offset: int) -> bytes:
    return pack(Frame.WATCH, WATCH_BODY.pack(terminal, offset))


def resize(cols: int, rows: int) -> bytes:
    return pack(Frame.RESIZE, SIZE_BODY.pack(cols, rows))


def ack(offset: int) -> bytes:
    return pack(Frame.ACK, OFFSET_BODY.pack(offset))


def open_port(address: bytes, port: int) -> bytes:
    return pack(Frame.OPEN, PORT_BODY.pack(TO_PORT, address, port))


def open_files() -> bytes:
    return pack(Frame.OPEN, bytes([TO_FILES]))


def open_egress() -> bytes:
    return pack(Frame.OPEN, bytes([TO_EGRESS]))


def header(data: Bytes) -> tuple[Frame, int]:
    """Type and body length. Raises BrokenFrame for what no keeper of ours would send."""
    number, length = HEADER.unpack(data)
    if length > LONGEST_BODY:
        raise BrokenFrame(f"a body of {length} bytes")
    try:
        return Frame(number), length
    except ValueError as error:
        raise BrokenFrame(f"type {number}") from error


def take(data: bytes, at: int) -> tuple[Said, int] | None:
    """What the frame that begins at ``at`` says and where it ends; None while it is not whole. Raises BrokenFrame."""
    if len(data) - at < HEADER.size:
        return None
    number, length = HEADER.unpack_from(data, at)
    begin = at + HEADER.size
    end = begin + length
    # By far most frames; a key's echo waits for every step that is taken here.
    if number == OUTPUT and OFFSET_BODY.size <= length <= LONGEST_BODY:
        if len(data) < end:
            return None
        return Output(OFFSET_BODY.unpack_from(data, begin)[0], data[begin + OFFSET_BODY.size : end]), end
    frame, _length = header(data[at:begin])
    return (event(frame, data[begin:end]), end) if len(data) >= end else None


def event(frame: Frame, body: Bytes) -> Said:
    """What a frame from the keeper says. Raises BrokenFrame."""
    try:
        match frame:
            case Frame.HELLO:
                epoch, offset, gap, cols, rows = HELLO_BODY.unpack(body)
                return Hello(epoch.hex(), offset, gap, cols, rows)
            case Frame.OUTPUT:
                return Output(OFFSET_BODY.unpack_from(body)[0], bytes(body[OFFSET_BODY.size :]))
            case Frame.GAP:
                return Gap(*GAP_BODY.unpack(body))
            case Frame.RESIZED:
                return Resized(*SIZE_BODY.unpack(body))
            case Frame.EXIT:
                return Exited(*EXIT_BODY.unpack(body))
            case Frame.MODES:
                offset, flags = MODES_BODY.unpack(body)
                return Modes(offset, bool(flags & ECHOES), bool(flags & CANONICAL))
            case Frame.TAKEN:
                return Taken(*OFFSET_BODY.unpack(body))
            case Frame.FAILED:
                return Failed(str(body, errors="replace"))
    except struct.error as error:
        raise BrokenFrame(f"{frame.name} with {len(body)} bytes") from error
    raise BrokenFrame(f"{frame.name} from the keeper")
