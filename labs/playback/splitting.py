"""A shell script as the commands that a person would type, one after another; pure."""

import re
from itertools import pairwise

OPENING = frozenset({"if", "while", "until", "for", "select", "case", "{"})
CLOSING = frozenset({"fi", "done", "esac", "}"})
# After these words, too, a command begins.
LEADING = OPENING - {"for", "select", "case"} | {"then", "else", "elif", "do", "!"}
HEREDOC = re.compile(r"<<(?P<dash>-?)[ \t]*(?P<word>(?:'[^']*'|\"[^\"]*\"|\\.|[^\s;&|<>()'\"\\])+)")
LEADING_BLANKS = re.compile(r"\A(?:[ \t]*\n)+")
WORD = re.compile(r"[^\s;&|<>(){}'\"`$\\#]+|[{}]")


def commands(script: str) -> list[str]:
    """The script's commands in order, each of one or more whole lines, without the blank lines between them."""
    text = script if script.endswith("\n") else f"{script}\n"
    ends = Scan(text).ends
    pieces = [text[begin:end] for begin, end in pairwise([0, *ends, len(text)])]
    return [LEADING_BLANKS.sub("", piece).rstrip("\n") for piece in pieces if piece.strip()]


class Scan:
    """One walk over a script; ``ends`` are the places after which a shell would wait for no more."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.ends: list[int] = []
        self.open: list[str] = []
        self.documents: list[tuple[str, bool]] = []
        self.begins_command = True
        self.goes_on = False
        self.walk()

    def walk(self) -> None:
        while self.at < len(self.text):
            within = self.open[-1] if self.open else ""
            if within == "'":
                self.leave_at("'")
            elif within in {'"', "`"}:
                self.quoted(within)
            else:
                self.plain(within)

    def leave_at(self, sign: str) -> None:
        end = self.text.find(sign, self.at)
        if end < 0:
            self.at = len(self.text)
        else:
            self.open.pop()
            self.at = end + 1

    def quoted(self, sign: str) -> None:
        here = self.text[self.at]
        if here == "\\":
            self.at += 2
        elif here == sign:
            self.open.pop()
            self.at += 1
        elif self.text.startswith(("$(", "${"), self.at):
            self.substitute()
        else:
            self.at += 1

    def substitute(self) -> None:
        """Into ``$(`` as into a script of its own, into ``${`` as far as its brace."""
        self.open.append(self.text[self.at : self.at + 2])
        self.begins_command = self.text[self.at + 1] == "("
        self.at += 2

    def plain(self, within: str) -> None:
        here = self.text[self.at]
        self.goes_on = self.goes_on and (here.isspace() or here == "#")
        if here == "\n":
            self.line_ends()
        elif here.isspace():
            self.at += 1
        elif here == "\\":
            self.goes_on = self.text[self.at + 1 : self.at + 2] == "\n"
            self.at += 2
        elif here == "#" and within != "${" and (self.at == 0 or self.text[self.at - 1] in " \t\n;&|()"):
            self.at = self.text.find("\n", self.at)
        elif here in "'\"`":
            self.open.append(here)
            self.at += 1
            self.begins_command = False
        elif self.text.startswith(("$(", "${"), self.at):
            self.substitute()
        elif within == "${":
            self.open, self.at = (self.open[:-1] if here == "}" else self.open), self.at + 1
        else:
            self.command(here, within)

    def command(self, here: str, within: str) -> None:
        if here == "(":
            self.open.append("(")
            self.at += 1
            self.begins_command = True
        elif here == ")":
            if within in {"(", "$("}:
                self.open.pop()
            self.at += 1
            # After the head of a function or a pattern of a case, a command begins; a substitution is part of a word.
            self.begins_command = within != "$("
        elif here in ";&|":
            self.goes_on = here == "|" or self.text.startswith("&&", self.at)
            self.at += 2 if self.text[self.at : self.at + 2] in {"&&", "||", ";;"} else 1
            self.begins_command = True
        elif self.text.startswith("<<<", self.at):
            self.at += 3
        elif document := HEREDOC.match(self.text, self.at):
            word = re.sub(r"['\"\\]", "", document["word"])
            self.documents.append((word, bool(document["dash"])))
            self.at = document.end()
        else:
            self.word(within)

    def word(self, within: str) -> None:
        found = WORD.match(self.text, self.at)
        if found is None:
            self.at += 1
            self.begins_command = False
            return
        word = found[0]
        self.at = found.end()
        ends = self.at >= len(self.text) or self.text[self.at] in " \t\n;&|()<>"
        if not self.begins_command or not ends:
            self.begins_command = False
            return
        if word in OPENING:
            self.open.append(word)
        elif word in CLOSING and within in OPENING:
            self.open.pop()
        self.begins_command = word in LEADING

    def line_ends(self) -> None:
        self.at += 1
        self.begins_command = True
        while self.documents:
            word, stripped = self.documents[0]
            end = self.text.find("\n", self.at)
            if end < 0:
                self.at = len(self.text)
                return
            line = self.text[self.at : end]
            self.at = end + 1
            if (line.lstrip("\t") if stripped else line) == word:
                self.documents.pop(0)
        if not (self.open or self.goes_on):
            self.ends.append(self.at)
