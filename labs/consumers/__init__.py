"""Websockets: terminal bytes, and the events of a session. docs/terminal-protocol.md is the contract."""

from labs.consumers.playback import PlaybackConsumer
from labs.consumers.seats import Code, sockets_of
from labs.consumers.session import SessionConsumer
from labs.consumers.terminal import INPUT_FRAME_BYTES, INPUT_WAITING_BYTES, TerminalConsumer
from labs.consumers.wall import WallConsumer
from labs.consumers.watching import WatchConsumer

__all__ = [
    "INPUT_FRAME_BYTES",
    "INPUT_WAITING_BYTES",
    "Code",
    "PlaybackConsumer",
    "SessionConsumer",
    "TerminalConsumer",
    "WallConsumer",
    "WatchConsumer",
    "sockets_of",
]
