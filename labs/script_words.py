"""The lab page's scripts and everything they say, in the page's language."""

from django.utils.translation import gettext as _

SCRIPTS = (
    "allowance.js",
    "backoff.js",
    "beside.js",
    "clock.js",
    "codemirror.js",
    "connection.js",
    "csp.js",
    "dialogs.js",
    "freezing.js",
    "editor.js",
    "fileapi.js",
    "files.js",
    "guard.js",
    "keeping.js",
    "help.js",
    "keybar.js",
    "network.js",
    "panes.js",
    "playback.js",
    "preferences.js",
    "queueplace.js",
    "price.js",
    "reconnecting.js",
    "replay.js",
    "rest.js",
    "searchbar.js",
    "session.js",
    "sizing.js",
    "startup.js",
    "steps.js",
    "terminal.js",
    "terminals.js",
    "theme.js",
    "words.js",
    "workarea.js",
)

Words = dict[str, str | dict[str, str]]


def script_words() -> Words:
    """Every phrase by name; ``{name}`` is filled in by the script, one and many are told apart by ``count``."""
    return {
        **_terminal_words(),
        **_session_words(),
        **_queue_words(),
        **_step_words(),
        **_help_words(),
        **_work_words(),
        **_playback_words(),
    }


def _terminal_words() -> Words:
    return {
        "terminal_label": _(
            "Terminal {number} of {node}. F6 goes on to the next pane, Shift+F6 back to the previous one."
        ),
        "terminal_gap": _("{bytes} bytes of earlier output are no longer held"),
        "terminal_restarted": _("{node} was restarted; its home and its programs are fresh"),
        "terminal_exited": _("the shell ended with code {code}; press Enter for a new one"),
        "terminal_lost": _("Connection lost."),
        "terminal_frozen": _("{node} is frozen; any key wakes it."),
        "terminal_starting": _("{node} is starting."),
        "terminal_too_many": _("Too many terminals are open; close some in other windows."),
        "terminal_no_engine": _("The machines cannot be reached at the moment."),
        "terminal_again": {
            "one": _("Connecting again in {seconds} second."),
            "many": _("Connecting again in {seconds} seconds."),
        },
        "terminal_refused": _("This terminal is not available any more."),
        "terminal_signed_out": _("You are signed out. Sign in again in another tab, then reload this page."),
        "close_terminal": _("Close {name}; its programs go on"),
        "clipboard_asked": _("A program on {node} wants to copy to your clipboard: {excerpt}"),
        "open_link": _("Open {address} in a new tab?"),
        "search_found": _("{place} of {total}"),
        "search_none": _("Not found"),
        "paste_refused": _(
            "The browser did not allow reading the clipboard. Long-press the terminal to paste."
        ),
        "copied": _("Copied"),
        "nothing_selected": _("Nothing is selected in the terminal."),
    }


def _session_words() -> Words:
    return {
        "dismiss": _("Close"),
        "rest_failed": _("The server answered with an error ({status}). Try again in a moment."),
        "rest_unreachable": _("The server cannot be reached. Check your connection, then try again."),
        "time_left": {
            "one": _("{minutes} minute left. Extend the time if you need more."),
            "many": _("{minutes} minutes left. Extend the time if you need more."),
        },
        "time_up": _("The time is up. The machines are being removed."),
        "no_extensions": _("The time of this session cannot be extended any further."),
        "extended": _("The time was extended."),
        "extensions_left": {"one": _("{count} left"), "many": _("{count} left")},
        "ready": _("The machines are ready."),
        "waking": _("The machines are waking."),
        "not_ready": _("The machines are not ready yet."),
        "finish": _("Finish"),
        "finishing": _("Checking everything…"),
        "finish_failed": {
            "one": _("Not passed yet: {count} check fails. The session goes on."),
            "many": _("Not passed yet: {count} checks fail. The session goes on."),
        },
        "size_cpus": {"one": _("{value} processor"), "many": _("{value} processors")},
        "size_memory": _("{value} MiB"),
        "size_now": _("Now: {cpus} processors, {memory} MiB."),
        "size_changed": _("{node} now has {cpus} processors and {memory} MiB."),
        "size_fixed": _("This lab gives {node} one size only."),
        "files_saving": _("Your files are being saved; you find them under “Saved files”."),
        "files_saved": _("The files are saved. You find them under “Saved files”."),
        "files_back": _("Your files are back in their homes."),
        "files_coming": _("Your files are being put back."),
        "restart_node": _("Restart {node}…"),
        "restarting": _("{node} is being restarted."),
        "typed": _("Typed in {node}. F6 goes to the terminal."),
        "startup_done": _("(done)"),
        "startup_current": _("(happening now)"),
        "startup_waiting": _("(to do)"),
        "startup_seconds": {"one": _("{seconds} second"), "many": _("{seconds} seconds")},
    }


def _queue_words() -> Words:
    return {
        "queue_position": _("{position} of {of}"),
        "queue_expected": {
            "one": _("Your turn comes within a minute."),
            "many": _("Your turn comes within {count} minutes, depending on when others finish."),
        },
        "queue_expected_range": _(
            "Your turn comes in {low} to {high} minutes, depending on when others finish."
        ),
        "queue_unknown": _("How long it takes cannot be said yet."),
        "queue_admitted": _("It is your turn. Your machines are being made."),
    }


def _work_words() -> Words:
    return {
        "files_count": {"one": _("{count} entry"), "many": _("{count} entries")},
        "files_more": _("The first {count} entries; the terminal shows the rest."),
        "files_link": _("link"),
        "files_download": _("Download {name}"),
        "files_rename": _("Rename {name}"),
        "files_remove": _("Delete {name}"),
        "files_removed": _("{name} was deleted."),
        "files_uploading": _("Uploading {name} ({place} of {total})…"),
        "new_file": _("New file"),
        "new_folder": _("New folder"),
        "editor_label": _(
            "{name} on {node}. Escape, then Tab leaves the editor; F6 goes on to the next pane."
        ),
        "editor_saved": _("{name} was saved."),
        "network_count": {"one": _("{count} request"), "many": _("{count} requests")},
        "network_newest": _("The newest {shown} of {count} requests"),
        "network_bytes": _("{bytes} bytes"),
    }


def _playback_words() -> Words:
    return {
        "playback_ready": _("Next: “{title}”"),
        "playback_within": {
            "one": _("Paused in “{title}”; {count} command is left."),
            "many": _("Paused in “{title}”; {count} commands are left."),
        },
        "playback_typing": _("“{title}”: command {command} of {commands}, in {node}"),
        "playback_checking": _("“{title}”: the checks are running."),
        "playback_done": _("The whole solution has been played."),
        "playback_away": _("Connecting…"),
        "playback_refused": _("The solution cannot be played here any more."),
        "playback_held": _("The solution is being played in another window."),
        "playback_failing": _("“{title}” is played, but not every check passes. You may go on all the same."),
        "playback_no_prompt": _(
            "A program runs in the terminal of {node}. End it, so that the shell waits for a command; then go on."
        ),
        "playback_no_end": _(
            "The command in {node} does not come to an end. Look at its terminal, then go on."
        ),
        "playback_shell_ended": _("The shell in {node} ended. Press Enter in its terminal, then go on."),
        "playback_lost": _("The machines cannot be reached at the moment. Go on when they are back."),
        "playback_not_ready": _("The machines are not ready yet. Go on in a moment."),
        "playback_not_checked": _(
            "The checks have not answered in time. Check the step yourself, then go on."
        ),
    }


def _step_words() -> Words:
    return {
        "checking": _("Checking…"),
        "checking_now": _("The checks are running."),
        "check_unknown": _("not checked yet"),
        "check_passed": _("passes"),
        "check_failed": _("fails"),
        "check_fell": _("passed before, fails now"),
        "check_fell_at": _("Passed at {time}, fails now"),
        "hint": _("Hint: {hint}"),
        "open_hint": {
            "one": _("Open a hint for {count} point"),
            "many": _("Open a hint for {count} points"),
        },
        "hint_opened": _("The hint is open, under its check."),
        "step_unknown": _("to do"),
        "step_checking": _("being checked"),
        "step_passed": _("all checks pass"),
        "step_failed": _("a check fails"),
        "step_all_pass": {"one": _("The check passes."), "many": _("All {count} checks pass.")},
        "step_some_pass": {
            "one": _("The check fails."),
            "many": _("{passed} of {count} checks pass."),
        },
        "type_in": _("Run in {node}"),
        "type_here": _("Run"),
        "copy": _("Copy"),
        "copy_command": _("Copy {command}"),
    }


def _help_words() -> Words:
    return {
        "help_seen_by": _("Your instructors of {classes} can see your terminals."),
        "help_raised": _("Your hand has been up since {time}. Your instructors see it."),
        "help_asks": _("{name} asks to type in your terminals."),
        "help_may_type": _("{name} may type in your terminals until {time}."),
        "help_types": _("{name} is typing in {node}."),
        "help_allow": _("Allow"),
        "help_refuse": _("Refuse"),
        "help_withdraw": _("Stop at once"),
        "help_said": _("{name}, {time}: {words}"),
    }
