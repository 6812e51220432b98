"""Which version of the server this is."""

VERSION = "0.1.0"
