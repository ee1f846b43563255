"""Previews by their host; else HTTP to Django, websockets to the labs; Origin is checked before the session is read."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
http = get_asgi_application()

from labs.previews import PreviewGate  # noqa: E402  (needs the app registry)
from labs.routing import websocket_urlpatterns  # noqa: E402

application = PreviewGate(ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)}))
