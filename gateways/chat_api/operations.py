"""Every operation of the API, in the order of the reference. Rows with the same path are neighbours."""

from __future__ import annotations

from gateways.chat_api import accounts, channels, messages

ROWS = (*accounts.ROWS, *messages.ROWS, *channels.ROWS)
