"""manage.py ensure_roles: every role's group with its grants; safe to run after each migration."""

from typing import Any

from django.core.management.base import BaseCommand

from community.roles import ensure_roles


class Command(BaseCommand):
    help = "Make the groups of the roles and give them their permissions. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_roles()
        self.stdout.write("Roles are in place.")
