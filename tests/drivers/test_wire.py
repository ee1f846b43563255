"""The keeper's frames, and the driver's refusal of what is none."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.drivers.base import Exited, Gap, Hello, Modes, Output, Resized
from labs.drivers.docker import wire
from labs.drivers.docker.wire import Frame

offsets = st.integers(min_value=0, max_value=2**64 - 1)
sizes = st.integers(min_value=0, max_value=2**16 - 1)


@given(offset=offsets, data=st.binary(max_size=100))
def test_output_keeps_its_offset_and_bytes(offset: int, data: bytes):
    assert wire.event(Frame.OUTPUT, struct.pack("!Q", offset) + data) == Output(offset, data)


@given(epoch=st.binary(min_size=16, max_size=16), offset=offsets, gap=offsets, cols=sizes, rows=sizes)
def test_a_greeting_is_read_whole(epoch: bytes, offset: int, gap: int, cols: int, rows: int):
    body = epoch + struct.pack("!QQHH", offset, gap, cols, rows)
    assert wire.event(Frame.HELLO, body) == Hello(epoch.hex(), offset, gap, cols, rows)


def test_the_rest_is_read_as_the_document_says():
    assert wire.event(Frame.GAP, struct.pack("!QQ", 7, 5)) == Gap(7, 5)
    assert wire.event(Frame.RESIZED, struct.pack("!HH", 80, 24)) == Resized(80, 24)
    assert wire.event(Frame.EXIT, struct.pack("!i", 130)) == Exited(130)
    assert wire.event(Frame.MODES, struct.pack("!QB", 9, 2)) == Modes(9, False, True)
    assert wire.event(Frame.TAKEN, struct.pack("!Q", 3)) == wire.Taken(3)
    assert wire.event(Frame.FAILED, b"no room") == wire.Failed("no room")


@given(frame=st.sampled_from(list(Frame)), body=st.binary(max_size=64))
def test_no_body_makes_the_reader_fail_otherwise(frame: Frame, body: bytes):
    try:
        wire.event(frame, body)
    except wire.BrokenFrame:
        return


@given(data=st.binary(min_size=5, max_size=5))
def test_a_header_is_known_and_short_or_refused(data: bytes):
    try:
        frame, length = wire.header(data)
    except wire.BrokenFrame:
        return
    assert frame in Frame
    assert length <= wire.LONGEST_BODY


def test_a_body_longer_than_any_is_refused():
    with pytest.raises(wire.BrokenFrame):
        wire.header(wire.HEADER.pack(Frame.OUTPUT, wire.LONGEST_BODY + 1))


def test_what_a_client_says_has_the_documents_form():
    assert wire.attach(2, 258, 80, 24) == b"\x02\0\0\0\x0d\x02" + b"\0" * 6 + b"\x01\x02\0\x50\0\x18"
    assert wire.ack(1) == b"\x05\0\0\0\x08" + b"\0" * 7 + b"\x01"
    assert wire.watch(2, 258) == b"\x07\0\0\0\x09\x02" + b"\0" * 6 + b"\x01\x02"
    assert wire.resize(256, 1) == b"\x04\0\0\0\x04\x01\0\0\x01"
