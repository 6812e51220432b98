"""The HTTP chat API (`/api/v1`): IRC ideas without a connection; the session lives on the server."""
