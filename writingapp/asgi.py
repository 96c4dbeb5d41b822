"""The whole application: pages over HTTP, sessions over sockets. What a foreign page opens is refused first."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "writingapp.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - models load only after Django is set up
from channels.security.websocket import OriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402

from writingapp import bodies, memory, straight  # noqa: E402
from writingapp.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": bodies.Bounded(pages),
        "websocket": OriginValidator(URLRouter(websocket_urlpatterns), settings.SITE_ORIGINS),
    }
)
bodies.keep_in_memory()
straight.go_straight()
memory.settle()
