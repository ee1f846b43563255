"""What an app may say no to: a code for programs, words and a remedy for people. Each app has its own family."""

from django.utils.functional import Promise

Text = str | Promise


class BaseRefusal(Exception):
    """A wish that cannot be granted; ``str()`` says what happened, ``remedy`` what to do."""

    code = "refused"

    def __init__(self, message: Text, remedy: Text = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return str(self.message)
