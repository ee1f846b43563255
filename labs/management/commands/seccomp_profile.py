"""manage.py seccomp_profile: the system calls learners' programs may make, for an engine or for people."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from labs.drivers.docker.seccomp import PROFILE
from labs.drivers.docker.seccomp_page import document


class Command(BaseCommand):
    help = "Print the seccomp profile of the sandboxes as JSON, with the reason of each rule."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--document", action="store_true", help="print docs/seccomp.md instead")

    def handle(self, *args: Any, **options: Any) -> None:
        text = document() if options["document"] else json.dumps(PROFILE.as_json(), indent=2) + "\n"
        self.stdout.write(text, ending="")
