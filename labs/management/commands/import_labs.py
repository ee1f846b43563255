"""manage.py import_labs [FOLDER ...]: the database has the labs of these folders."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from labs import bundles


class Command(BaseCommand):
    help = "Import labs from their folders; without a folder, every lab of this installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folders", nargs="*", type=Path, help="folders that hold a lab.toml")
        parser.add_argument("--check", action="store_true", help="only validate, change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        folders = options["folders"] or sorted(
            path.parent for path in Path(settings.LABS_BUNDLE_DIR).glob("*/lab.toml")
        )
        read, faults = [], []
        for folder in folders:
            try:
                read.append(bundles.read(folder))
            except bundles.BundleError as error:
                faults += error.faults
        if faults:
            raise CommandError("\n".join(faults))
        for bundle in read:
            if options["check"]:
                self.stdout.write(f"{bundle.manifest.slug}: valid")
                continue
            _lab, changed = bundles.import_lab(bundle)
            self.stdout.write(f"{bundle.manifest.slug}: {'imported' if changed else 'unchanged'}")
