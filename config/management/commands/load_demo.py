"""Make the demo world, or find that it stands."""

import json
import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.demo import world
from config.demo.people import Person


class Command(BaseCommand):
    help = "Makes the demo world: pages in both languages, labs, courses, programmes and people. Safe to run again."
    # The launcher runs this at every start; system checks would take longer than the command.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the people as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # Wagtail logs each page it creates, copies and publishes: some two hundred lines.
        logging.getLogger("wagtail").setLevel(logging.WARNING)
        loaded = world.load()
        if options["json"]:
            rows = [
                {"username": p.username, "role": p.role, "name": p.name, "password": p.password}
                for p in loaded.people
            ]
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        self.stdout.write("The demo world was made." if loaded.fresh else "The demo world stands.")
        for person in loaded.people:
            self.stdout.write(table_row(person))


def table_row(person: Person) -> str:
    return f"  {person.username:<12} {person.role:<12} {person.password}"
