"""One Chromium for the whole run, fresh contexts from it, axe, and a static site for scripts without the product."""

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import pytest
from django.contrib.staticfiles import finders
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
complaints: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@dataclass
class Chromium:
    """The browser, and the event loop that Playwright's sync API leaves marked as running in this thread."""

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @contextlib.contextmanager
    def awake(self) -> Iterator[Browser]:
        """Inside, Playwright may be called; outside, async tests and the ORM find no running loop."""
        asyncio._set_running_loop(self.loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def without_netlink(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The library that keeps the host's networks from interrupting the browser."""
    library = tmp_path_factory.mktemp("chromium") / "without_netlink.so"
    source = Path(__file__).with_name("without_netlink.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return str(library)


@pytest.fixture(scope="session")
def chromium(without_netlink: str) -> Iterator[Chromium]:
    """Real headless Chromium with software WebGL; one per test process."""
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        headless=True,
        args=FLAGS,
        env={**os.environ, "LD_PRELOAD": without_netlink},
    )
    running = Chromium(browser, asyncio.get_running_loop())
    asyncio._set_running_loop(None)
    yield running
    with running.awake():
        browser.close()
        playwright.stop()


OpenContext = Callable[..., BrowserContext]
OpenPage = Callable[..., Page]


@pytest.fixture
def open_context(chromium: Chromium) -> Iterator[OpenContext]:
    """A browser context of its own per call: ``open_context(phone=True, language="en", color_scheme="dark")``."""
    contexts: list[BrowserContext] = []
    with chromium.awake() as browser:

        def opened(*, phone: bool = False, language: str = "zh-CN", **options: Any) -> BrowserContext:
            settings = {
                "locale": language,
                "timezone_id": "Asia/Shanghai",
                "reduced_motion": "reduce",
                "color_scheme": "light",
                **(PHONE if phone else DESKTOP),
                **options,
            }
            contexts.append(browser.new_context(**settings))
            contexts[-1].set_default_timeout(15_000)
            return contexts[-1]

        yield opened
        for context in contexts:
            context.close()


@pytest.fixture
def open_page(open_context: OpenContext) -> OpenPage:
    """A page in a context of its own; ``complaints_of(page)`` holds its console errors and uncaught exceptions."""

    def opened(**options: Any) -> Page:
        page = open_context(**options).new_page()
        complaints_of(page)
        return page

    return opened


def complaints_of(page: Page) -> list[str]:
    """Every console error and uncaught exception of ``page`` since this was first asked (for ``open_page``: all)."""
    if page in complaints:
        return complaints[page]
    heard_so_far = complaints[page] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "favicon" not in message.location.get("url", ""):
            heard_so_far.append(f"{message.text} ({message.location.get('url')})")

    page.on("console", heard)
    page.on("pageerror", lambda error: heard_so_far.append(str(error)))
    return heard_so_far


def axe_violations(page: Page) -> list[str]:
    """One line per broken rule and element of WCAG 2.2 A and AA; works under a strict CSP."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def sideways_overflow(page: Page) -> int:
    """How many CSS pixels the page is wider than its window; 0 is right."""
    return page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth")


@dataclass
class StaticSite:
    """A tiny site: ``/static/`` from the finders, and pages that a test hangs in."""

    url: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def hang(self, path: str, html: str, **headers: str) -> str:
        """``html`` is served at ``path`` with ``headers`` (underscores become hyphens); returns the address."""
        self.pages[path] = (html, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url + path


@pytest.fixture(scope="session")
def static_site() -> Iterator[StaticSite]:
    site = StaticSite("")

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path in site.pages:
                html, headers = site.pages[path]
                self.answer(HTTPStatus.OK, html.encode(), "text/html; charset=utf-8", headers)
                return
            file = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
            if file is None:
                self.answer(HTTPStatus.NOT_FOUND, b"", "text/plain", {})
            else:
                kind = "text/javascript" if path.endswith(".mjs") else guess_type(path)[0]
                self.answer(HTTPStatus.OK, Path(file).read_bytes(), kind or "text/plain", {})

        def answer(self, status: HTTPStatus, body: bytes, kind: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()
