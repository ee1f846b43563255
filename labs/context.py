"""What the lab page's scripts get from the server: their modules' addresses and their words in the page's language."""

from django.utils.translation import gettext as _

SCRIPTS = (
    "backoff.js",
    "clock.js",
    "connection.js",
    "csp.js",
    "dialogs.js",
    "guard.js",
    "keybar.js",
    "panes.js",
    "preferences.js",
    "reconnecting.js",
    "replay.js",
    "rest.js",
    "searchbar.js",
    "session.js",
    "startup.js",
    "steps.js",
    "terminal.js",
    "terminals.js",
    "theme.js",
    "words.js",
)

Words = dict[str, str | dict[str, str]]


def script_words() -> Words:
    """Every phrase that the scripts say; ``{name}`` is filled in there, one and many are told apart by ``count``."""
    return {**_terminal_words(), **_session_words()}


def _terminal_words() -> Words:
    return {
        "terminal_label": _(
            "Terminal {number} of {node}. F6 goes on to the next pane, Shift+F6 back to the previous one."
        ),
        "terminal_gap": _("{bytes} bytes of earlier output are no longer held"),
        "terminal_restarted": _("{node} was restarted; its home and its programs are fresh"),
        "terminal_exited": _("the shell ended with code {code}; press Enter for a new one"),
        "terminal_waiting": {
            "one": _("Connection lost. Connecting again in {seconds} second."),
            "many": _("Connection lost. Connecting again in {seconds} seconds."),
        },
        "terminal_connecting": _("Connection lost. Connecting again now."),
        "terminal_refused": _("This terminal is not available any more."),
        "close_terminal": _("Close {name}; its programs go on"),
        "clipboard_asked": _("A program on {node} wants to copy to your clipboard: {excerpt}"),
        "open_link": _("Open {address} in a new tab?"),
        "search_found": _("{place} of {total}"),
        "search_none": _("Not found"),
    }


def _session_words() -> Words:
    return {
        "dismiss": _("Close"),
    }
