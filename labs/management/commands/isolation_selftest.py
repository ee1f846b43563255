"""manage.py isolation_selftest: this host's sandboxes are attacked, and every attack is told with what came of it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labs.drivers.base import DriverError
from labs.isolation.document import document
from labs.isolation.probe import Outcome
from labs.isolation.selftest import run_selftest


class Command(BaseCommand):
    help = "Attack a sandbox as learners get it, from inside and from a neighbour; fails when anything gives way."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--document", action="store_true", help="print docs/isolation-probes.md and do nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["document"]:
            self.stdout.write(document(), ending="")
            return
        try:
            report = run_selftest(self._say)
        except DriverError as error:
            raise CommandError(str(error)) from error
        seconds = (report.ended_at - report.began_at).total_seconds()
        self.stdout.write(
            f"{report.held + report.failed} probes in {seconds:.0f} s: {report.held} held, {report.failed} failed"
        )
        if not report.holds:
            raise CommandError("This host does not isolate its sandboxes as it should.", returncode=2)

    def _say(self, outcome: Outcome) -> None:
        detail = f": {outcome.detail}" if outcome.detail and not outcome.holds else ""
        self.stdout.write(f"{outcome.verdict.upper():<8} {outcome.area}/{outcome.key}{detail}")
