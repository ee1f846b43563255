"""The labs' pages, under the language prefix."""

from django.urls import path

from labs.views import bookings, costs, keeping, network, operating, pages, previews, recordings, teaching

app_name = "labs"
urlpatterns = [
    path("labs/", pages.catalogue, name="catalogue"),
    path("labs/sessions/<uuid:session_id>/", pages.session, name="session"),
    path("labs/sessions/<uuid:session_id>/network/", network.network, name="network"),
    path("operations/", operating.overview, name="operations"),
    path("operations/host/", operating.host, name="operating-host"),
    path("operations/sandboxes/", operating.sandboxes, name="operating-sandboxes"),
    path("operations/sandboxes/<slug:ref>/", operating.sandbox, name="operating-sandbox"),
    path("operations/acts/", operating.log_of_acts, name="operating-acts"),
    path("labs/kept/", keeping.kept, name="kept"),
    path("labs/kept/<uuid:snapshot_id>/<slug:verb>/", keeping.change, name="kept_change"),
    path("labs/forks/<int:fork_id>/revoke/", keeping.revoke, name="fork_revoke"),
    path("labs/forks/<slug:token>/", keeping.fork, name="fork"),
    path("labs/recordings/", recordings.index, name="recordings"),
    path("labs/recordings/<uuid:recording_id>/", recordings.show, name="recording"),
    path("labs/recordings/<uuid:recording_id>/cast/", recordings.file, name="recording_file"),
    path("labs/classes/", teaching.my_classes, name="classes"),
    path("labs/classes/join/", teaching.join, name="join"),
    path("labs/classes/<int:class_id>/", teaching.one_class, name="class"),
    path("labs/classes/<int:class_id>/wall/", teaching.wall, name="wall"),
    path("labs/watching/<uuid:session_id>/", teaching.watch, name="watch"),
    path("labs/classes/<int:class_id>/places/<int:place_id>/leave/", teaching.leave, name="leave-class"),
    path("labs/sessions/<uuid:session_id>/ports/<slug:node>/<int:port>/", previews.enter, name="preview"),
    path("labs/costs/", costs.overview, name="costs"),
    path("labs/costs/budgets/<slug:slug>/", costs.budgets_of, name="budgets"),
    path("labs/costs/budgets/<slug:slug>/<int:budget_id>/end/", costs.end_budget, name="end_budget"),
    path("labs/costs/statements/<slug:number>/", costs.statement, name="statement"),
    path("labs/costs/statements/<slug:number>/csv/", costs.statement_csv, name="statement_csv"),
    path("labs/costs/statements/<slug:number>/pdf/", costs.statement_pdf, name="statement_pdf"),
    path("labs/bookings/", bookings.bookings, name="bookings"),
    path("labs/bookings/new/", bookings.book, name="book"),
    path("labs/bookings/<int:booking_id>/", bookings.booking, name="booking"),
    path("labs/bookings/<int:booking_id>/cancel/", bookings.cancel, name="cancel-booking"),
    path("labs/bookings/seats/<str:code>/", bookings.join, name="join-class"),
    path("labs/<slug:slug>/", pages.lab, name="lab"),
    path("labs/<slug:slug>/start/", pages.start, name="start"),
    path("labs/<slug:slug>/playback/", pages.play, name="play"),
]
