"""manage.py build_images: every sandbox image is built from its folder; unchanged ones are not built again."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from labs.drivers.base import DriverError
from labs.engine import build_images


class Command(BaseCommand):
    help = "Build the sandbox images that changed since the last build."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", default="", help="one image, with what it stands on")
        parser.add_argument("--renew", action="store_true", help="fetch the Debian base image anew first")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.LABS_BUNDLE_DIR.parent
        try:
            tags = build_images(folder, self.stdout.write, only=options["only"], renew=options["renew"])
        except DriverError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(tags)} images are ready")
