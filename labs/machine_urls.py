"""The labs' addresses for programs; they carry no language."""

from django.urls import path

from labs.views import operating

urlpatterns = [path("metrics", operating.metrics, name="metrics")]
