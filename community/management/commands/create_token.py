"""``manage.py create_token USER`` prints a new API token of that person, and nothing else."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from community.models import ApiToken, User


class Command(BaseCommand):
    help = "Makes an API token for USER and prints only the token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")

    def handle(self, *args: object, username: str, name: str, **options: object) -> None:
        person = User.objects.filter(username=username, is_active=True).first()
        if person is None:
            raise CommandError(
                f"There is no active person {username!r}; usernames are listed in the admin under Users."
            )
        self.stdout.write(ApiToken.issue(person, name))
