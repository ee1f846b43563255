"""What a node may say no to when its files are asked for, each word of the protocol in words for people."""

from django.utils.translation import gettext_lazy as _

from labs.refusals import Refusal, Text

WORDS: dict[str, tuple[Text, Text]] = {
    "missing": (_("There is no such file or folder any more."), _("Look at the folder again.")),
    "exists": (_("Something of that name is there already."), _("Choose another name, or remove it first.")),
    "denied": (
        _("The machine does not allow it: this is not yours."),
        _("Your own files are in the home folder."),
    ),
    "not_folder": (_("That is not a folder."), ""),
    "is_folder": (_("That is a folder."), _("Choose a file.")),
    "not_file": (
        _("That is a device or a pipe, not a file."),
        _("It can only be used from the terminal."),
    ),
    "full": (_("The machine's disk is full."), _("Remove files you no longer need, then try again.")),
    "read_only": (
        _("This part of the machine's disk cannot be changed."),
        _("Your own files are in the home folder."),
    ),
    "bad_name": (_("That name is not possible."), _("Choose a shorter name.")),
    "loop": (_("The links in that path lead in a circle."), ""),
    "other_disk": (_("That lies on another disk of the machine."), _("Use the terminal for it.")),
    "busy": (_("The machine is using it."), _("End the program that uses it, then try again.")),
    "too_deep": (_("The folders are nested too deeply."), _("Use the terminal for it.")),
}


class FileRefused(Refusal):
    """The node said no; ``code`` is the protocol's word."""

    def __init__(self, word: str) -> None:
        message, remedy = WORDS.get(
            word, (_("The machine could not do it."), _("Try again; if it happens again, use the terminal."))
        )
        super().__init__(message, remedy)
        self.word = word
        self.code = f"file_{word}" if word in WORDS else "file_failed"


class FileChanged(Refusal):
    """The file is no longer the one that was opened."""

    code = "file_conflict"

    def __init__(self) -> None:
        super().__init__(
            _("The file was changed in the meantime, by a program or in another window; nothing was saved."),
            _("Look at what it holds now, then decide which of the two to keep."),
        )


class FileTooBig(Refusal):
    code = "file_too_big"

    def __init__(self, limit_mib: float) -> None:
        super().__init__(
            _("The file is larger than %(limit)g MiB.") % {"limit": limit_mib},
            _("Use the terminal for it."),
        )


class NotText(Refusal):
    code = "file_not_text"

    def __init__(self) -> None:
        super().__init__(_("This is not a text file."), _("Download it instead."))


class NodeSilent(Refusal):
    """The node has no room for another process, is suspended, or just went."""

    code = "node_silent"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__(
            _("The machine does not answer; perhaps its memory or its processes are used up."),
            _("End programs you no longer need, then try again."),
        )
