"""How far a lab's solution has been played in a session."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PlaybackQuerySet(models.QuerySet["Playback"]):
    def idle(self) -> Self:
        """Nobody plays them at this moment, by the database's clock."""
        return self.filter(Q(held_until=None) | Q(held_until__lt=Now()))


class Playback(models.Model):
    """``position`` counts the commands that were typed to their end; whoever plays holds it until ``held_until``."""

    session = models.OneToOneField("labs.LabSession", on_delete=models.CASCADE, related_name="playback")
    position = models.PositiveIntegerField(default=0)
    held_until = models.DateTimeField(null=True, blank=True)

    objects = PlaybackQuerySet.as_manager()

    class Meta:
        verbose_name = _("playback")
        verbose_name_plural = _("playbacks")

    def __str__(self) -> str:
        return f"{self.session_id} {self.position}"

    def hold(self, for_s: float) -> bool:
        """Whoever asks plays for that long; False while somebody else does."""
        until = Now() + timedelta(seconds=for_s)
        held = Playback.objects.idle().filter(pk=self.pk).update(held_until=until)
        self.refresh_from_db()
        return bool(held)

    def keep(self, for_s: float) -> None:
        """The one who plays goes on for that long."""
        Playback.objects.filter(pk=self.pk).update(held_until=Now() + timedelta(seconds=for_s))

    def advance(self) -> bool:
        """The command at ``position`` is about to be ended; False when somebody else has ended it."""
        at = self.position
        moved = Playback.objects.filter(pk=self.pk, position=at).update(position=at + 1)
        self.position = at + 1
        return bool(moved)

    def let_go(self) -> None:
        Playback.objects.filter(pk=self.pk).update(held_until=None)
