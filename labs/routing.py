"""The websocket addresses of the labs."""

from django.urls import path

from labs.consumers import SessionConsumer, TerminalConsumer

websocket_urlpatterns = [
    path(
        "ws/labs/sessions/<uuid:session>/nodes/<slug:node>/terminals/<int:terminal>/",
        TerminalConsumer.as_asgi(),
    ),
    path("ws/labs/sessions/<uuid:session>/events/", SessionConsumer.as_asgi()),
]
