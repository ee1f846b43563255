"""What a learner and an instructor do with courses; the courses themselves are pages of the site's tree."""

from django.urls import path

from courses.views import banks, cohorts, exams, learners, learning, questions, reading, running, sittings

app_name = "courses"
urlpatterns = [
    path("courses/", reading.catalogue, name="catalogue"),
    path("cohorts/", cohorts.show_list, name="cohorts"),
    path("cohorts/<int:cohort_id>/", cohorts.show, name="cohort"),
    path("cohorts/<int:cohort_id>/join/", cohorts.join, name="join_cohort"),
    path("cohorts/<int:cohort_id>/leave/", cohorts.leave, name="leave_cohort"),
    path("cohorts/link/<str:token>/", cohorts.come_by_link, name="cohort_link"),
    path("cohorts/<int:cohort_id>/change/", running.change, name="change_cohort"),
    path("cohorts/<int:cohort_id>/new-link/", running.rotate_link, name="rotate_link"),
    path("cohorts/<int:cohort_id>/instructors/", running.add_instructor, name="add_instructor"),
    path(
        "cohorts/<int:cohort_id>/instructors/<int:instructor_id>/remove/",
        running.remove_instructor,
        name="remove_instructor",
    ),
    path("cohorts/<int:cohort_id>/places/<int:place_id>/admit/", running.admit, name="admit"),
    path("cohorts/<int:cohort_id>/places/<int:place_id>/refuse/", running.refuse, name="refuse"),
    path("organisations/<slug:slug>/cohorts/", cohorts.show_list, name="organisation_cohorts"),
    path("organisations/<slug:slug>/cohorts/new/", running.open_cohort, name="open_cohort"),
    path("learning/<uuid:course_key>/enrol/", learning.enrol, name="enrol"),
    path("learning/<uuid:course_key>/withdraw/", learning.withdraw, name="withdraw"),
    path("learning/<uuid:course_key>/learners/", learners.show, name="learners"),
    path("learning/lessons/<uuid:lesson_key>/done/", learning.mark_done, name="mark_done"),
    path("learning/lessons/<uuid:lesson_key>/take-back/", learning.take_back, name="take_back"),
    path("question-banks/", banks.index, name="banks"),
    path("question-banks/open/", banks.open_bank, name="open_bank"),
    path("question-banks/of/<slug:bank_slug>/", banks.show, name="bank"),
    path("question-banks/of/<slug:bank_slug>/people/", banks.people, name="bank_people"),
    path("question-banks/of/<slug:bank_slug>/new/", questions.new, name="new_question"),
    path("question-banks/of/<slug:bank_slug>/questions/<slug:code>/", questions.show, name="question"),
    path(
        "question-banks/of/<slug:bank_slug>/questions/<slug:code>/edit/", questions.edit, name="edit_question"
    ),
    path(
        "question-banks/of/<slug:bank_slug>/questions/<slug:code>/review/",
        questions.review,
        name="review_question",
    ),
    path(
        "question-banks/of/<slug:bank_slug>/questions/<slug:code>/history/",
        questions.history,
        name="question_history",
    ),
    path(
        "question-banks/of/<slug:bank_slug>/questions/<slug:code>/<slug:deed>/",
        questions.act,
        name="question_act",
    ),
    path("exams/", exams.index, name="exams"),
    path("exams/sittings/<uuid:attempt_id>/", sittings.sit, name="sitting"),
    path("exams/sittings/<uuid:attempt_id>/answers/", sittings.answers, name="answers"),
    path("exams/sittings/<uuid:attempt_id>/hand-in/", sittings.hand_in, name="hand_in"),
    path("exams/sittings/<uuid:attempt_id>/outcome/", sittings.outcome, name="outcome"),
    path("exams/<slug:slug>/", exams.show, name="exam"),
    path("exams/<slug:slug>/begin/", exams.begin, name="begin_exam"),
]
