"""Socket addresses."""

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from writingapp.consumers import SessionConsumer


class NowhereConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """An address that does not exist: refused at the handshake."""

    async def connect(self) -> None:
        await self.close()


websocket_urlpatterns = [
    path("ws/sessions/<uuid:session_id>/", SessionConsumer.as_asgi()),
    re_path(r"", NowhereConsumer.as_asgi()),
]
