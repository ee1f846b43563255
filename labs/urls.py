"""The labs' pages, under the language prefix."""

from django.urls import path

from labs.views import pages

app_name = "labs"
urlpatterns = [
    path("labs/", pages.catalogue, name="catalogue"),
    path("labs/sessions/<uuid:session_id>/", pages.session, name="session"),
    path("labs/<slug:slug>/", pages.lab, name="lab"),
    path("labs/<slug:slug>/start/", pages.start, name="start"),
]
