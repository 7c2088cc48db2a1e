"""The front door (网关): HTTP, WebSocket, limits, identity; whatever comes in is judged here."""
