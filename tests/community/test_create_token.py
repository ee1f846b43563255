import re

import pytest
from django.core.management import CommandError, call_command

from community.api import Role, person_with_token
from tests.community.conftest import person_with


def test_create_token_prints_only_the_token(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    trainee = person_with(Role.TRAINEE)
    call_command("create_token", "trainee")
    printed = capsys.readouterr().out
    assert re.fullmatch(r"yl_[\w-]{43}\n", printed)
    assert person_with_token(printed.strip()) == trainee


def test_create_token_for_nobody_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="nobody"):
        call_command("create_token", "nobody")
