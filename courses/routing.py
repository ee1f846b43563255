"""The websocket addresses of courses."""

from django.urls import path

from courses.consumers import SittingConsumer

websocket_urlpatterns = [path("ws/exams/sitting/", SittingConsumer.as_asgi())]
