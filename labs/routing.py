"""The websocket addresses of the labs."""

from django.urls import path

from labs.consumers import PlaybackConsumer, SessionConsumer, TerminalConsumer, WallConsumer, WatchConsumer

websocket_urlpatterns = [
    path(
        "ws/labs/sessions/<uuid:session>/nodes/<slug:node>/terminals/<int:terminal>/",
        TerminalConsumer.as_asgi(),
    ),
    path(
        "ws/labs/watching/<uuid:session>/nodes/<slug:node>/terminals/<int:terminal>/", WatchConsumer.as_asgi()
    ),
    path("ws/labs/sessions/<uuid:session>/playback/", PlaybackConsumer.as_asgi()),
    path("ws/labs/classes/<int:taught>/wall/", WallConsumer.as_asgi()),
    path("ws/labs/sessions/<uuid:session>/events/", SessionConsumer.as_asgi()),
]
