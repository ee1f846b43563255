"""``python -m config.launch.health URL``: exit code 0 when the site answers there, for a container's health check."""

import os
import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 4


def answers(url: str, host: str) -> bool:
    """Whether GET ``url`` gives 200, asked as the TLS proxy in front would ask for ``host``."""
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "localhost", where.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", where.path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    url = sys.argv[1]
    sys.exit(not answers(url, urlsplit(os.environ.get("PUBLIC_URL", url)).netloc))
