"""The labs' pages, under the language prefix."""

from django.urls import path

from labs import views

app_name = "labs"
urlpatterns = [
    path("labs/", views.catalogue, name="catalogue"),
    path("labs/sessions/<uuid:session_id>/", views.session, name="session"),
    path("labs/<slug:slug>/", views.lab, name="lab"),
    path("labs/<slug:slug>/start/", views.start, name="start"),
]
