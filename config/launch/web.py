"""The web process: uvicorn on a socket that the launcher holds open, so that clients wait out a restart in the queue
instead of being refused."""

import argparse
import gc
import logging
import socket

import uvicorn

GRACE_SECONDS = 3
WS_FRAME_BYTES = 256 * 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    listening = socket.socket(fileno=parser.parse_args().fd)
    logging.getLogger("uvicorn.error").info("listening on %s", listening.getsockname())
    config = uvicorn.Config(
        "config.asgi:application",
        ws="auto",
        ws_max_size=WS_FRAME_BYTES,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
        access_log=False,
    )
    config.load()
    # What was imported stays; looking through it for garbage again and again would hold up answers.
    gc.collect()
    gc.freeze()
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
