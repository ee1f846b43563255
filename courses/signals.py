"""What courses tells the app above it."""

from django.dispatch import Signal

# Sent on commit with learner (User) and course_id (str); a nudge, courses.api.has_completed is the truth.
course_completed = Signal()

# Sent on commit with learner (User) and exam_id (str); a nudge, courses.api.exam_result is the truth.
exam_passed = Signal()
