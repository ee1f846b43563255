"""The labs' pages, under the language prefix."""

from django.urls import path

from labs.views import operating, pages

app_name = "labs"
urlpatterns = [
    path("labs/", pages.catalogue, name="catalogue"),
    path("labs/sessions/<uuid:session_id>/", pages.session, name="session"),
    path("operations/", operating.overview, name="operations"),
    path("operations/sandboxes/", operating.sandboxes, name="operating-sandboxes"),
    path("operations/sandboxes/<slug:ref>/", operating.sandbox, name="operating-sandbox"),
    path("operations/acts/", operating.log_of_acts, name="operating-acts"),
    path("labs/<slug:slug>/", pages.lab, name="lab"),
    path("labs/<slug:slug>/start/", pages.start, name="start"),
]
