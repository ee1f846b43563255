"""Previews by their host; else HTTP to Django, websockets to labs and exams; Origin is checked before the session is read."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup(set_prefix=False)

from config.answering import Site  # noqa: E402  (needs the settings)
from courses import routing as courses_routing  # noqa: E402  (needs the app registry)
from labs import routing as labs_routing  # noqa: E402
from labs.previews import PreviewGate  # noqa: E402

websockets = URLRouter([*labs_routing.websocket_urlpatterns, *courses_routing.websocket_urlpatterns])
application = PreviewGate(ProtocolTypeRouter({"http": Site(), "websocket": websockets}))
