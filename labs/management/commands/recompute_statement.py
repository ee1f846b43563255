"""manage.py recompute_statement [NUMBER …]: statements are worked out again from the ledger and compared."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labs.metering import statements
from labs.models import Statement


class Command(BaseCommand):
    help = "Work statements out again from the ledger and the rate cards, and say what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", nargs="*", help="Numbers of statements; all when none is given.")

    def handle(self, *_args: Any, **options: Any) -> None:
        wanted = Statement.objects.all()
        if options["number"]:
            wanted = wanted.filter(number__in=options["number"])
            missing = set(options["number"]) - set(wanted.values_list("number", flat=True))
            if missing:
                raise CommandError(f"There is no statement {', '.join(sorted(missing))}.")
        differing = 0
        for statement in wanted:
            found = statements.differences(statement)
            differing += bool(found)
            self.stdout.write(f"{statement.number}: {'differs' if found else 'agrees'}")
            for line in found:
                self.stdout.write(f"  {line}")
        if differing:
            raise CommandError(f"{differing} of {wanted.count()} statements differ from the ledger.")
