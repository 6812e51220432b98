"""The rooms dialect (docs/rooms.md): a second WebSocket protocol over the same users, channels, rights and messages.

frames.py: its frames as types. translate.py: from the core's packets to its frames. sink.py: what a connection is told.
guest.py: what a connection asks for.
"""

GATEWAY = "rooms"
"""What sessions that come by this way say in `gateway`."""
