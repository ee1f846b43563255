"""Who learns what, and what they have done; keyed by translation keys, so that a language switch keeps it all."""

from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from community.api import User


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def current(self) -> Self:
        """Not withdrawn: still learning, or done."""
        return self.filter(withdrawn_at=None)

    def active(self) -> Self:
        return self.current().filter(completed_at=None)

    def completed(self) -> Self:
        return self.exclude(completed_at=None)

    def of(self, learner: User) -> Self:
        return self.filter(learner=learner)

    def in_course(self, course_key: UUID | str) -> Self:
        return self.filter(course_key=course_key)


class Enrolment(models.Model):
    """A learner in a course: active, then completed or withdrawn."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="enrolments")
    course_key = models.UUIDField(_("course"), help_text=_("Translation key of the course page."))
    enrolled_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    last_lesson_key = models.UUIDField(null=True, blank=True)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        ordering = ("-enrolled_at",)
        indexes = [models.Index(fields=["course_key", "withdrawn_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course_key"],
                condition=Q(withdrawn_at=None),
                name="one_current_enrolment_per_learner_and_course",
            ),
            models.CheckConstraint(
                condition=Q(completed_at=None) | Q(withdrawn_at=None),
                name="a_completed_enrolment_is_never_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id} in {self.course_key}"

    def visit(self, lesson_key: UUID) -> None:
        """``lesson_key`` is where the learner resumes."""
        if self.last_lesson_key != lesson_key:
            Enrolment.objects.filter(pk=self.pk).update(last_lesson_key=lesson_key)
            self.last_lesson_key = lesson_key


class LessonCompletion(models.Model):
    """A learner said 'done' to a lesson without lab; lessons with labs are done by the labs' own evidence."""

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lesson_completions"
    )
    lesson_key = models.UUIDField(_("lesson"), help_text=_("Translation key of the lesson page."))
    completed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("lesson completion")
        verbose_name_plural = _("lesson completions")
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "lesson_key"], name="one_completion_per_learner_and_lesson"
            )
        ]

    def __str__(self) -> str:
        return f"{self.learner_id} did {self.lesson_key}"
