"""manage.py stop_sandboxes: every sandbox of this installation is stopped and the engine holds nothing of it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from labs import provisioning
from labs.drivers.base import DriverError
from labs.engine import get_driver
from labs.lifecycle import Reason
from labs.models import Sandbox


class Command(BaseCommand):
    help = "Stop every sandbox of this installation; run it when no worker runs."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = 0
        for sandbox in Sandbox.objects.live():
            sandbox.begin_stop(Reason.ABANDONED, "The site was shut down.")
            provisioning.stop(sandbox.pk, patient=False)  # the recorder is stopped, too
            stopped += 1
        try:
            for ref in get_driver().list_refs():
                get_driver().destroy(ref)
            left = get_driver().list_refs()
        except DriverError as error:
            raise CommandError(f"The engine does not answer, so sandboxes may be left: {error}") from error
        if left:
            raise CommandError(f"The engine still holds {', '.join(sorted(left))}")
        self.stdout.write(f"{stopped} sandboxes stopped")
