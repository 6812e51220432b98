"""How the schema came to be. To change it: change `db/schema.py`, add a script here, raise `database.HEAD_REVISION`."""
