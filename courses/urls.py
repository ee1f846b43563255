"""What a learner and an instructor do with courses; the courses themselves are pages of the site's tree."""

from django.urls import path

from courses.views import learners, learning, reading

app_name = "courses"
urlpatterns = [
    path("courses/", reading.catalogue, name="catalogue"),
    path("learning/<uuid:course_key>/enrol/", learning.enrol, name="enrol"),
    path("learning/<uuid:course_key>/withdraw/", learning.withdraw, name="withdraw"),
    path("learning/<uuid:course_key>/learners/", learners.show, name="learners"),
    path("learning/lessons/<uuid:lesson_key>/done/", learning.mark_done, name="mark_done"),
    path("learning/lessons/<uuid:lesson_key>/take-back/", learning.take_back, name="take_back"),
]
