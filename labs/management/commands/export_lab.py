"""manage.py export_lab SLUG FOLDER: the lab is written as text under FOLDER/SLUG."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labs import bundles
from labs.models import Lab


class Command(BaseCommand):
    help = "Write a lab as a folder of text."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("folder", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        lab = Lab.objects.filter(slug=options["slug"]).first()
        if lab is None:
            known = ", ".join(Lab.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no lab {options['slug']}; there are: {known}.")
        for path in bundles.export_lab(lab, options["folder"]):
            self.stdout.write(str(path))
