"""The real things behind the ports of `activities` and `edge/ingest`, a package for each counterparty.

SQL, HTTP, files and libraries live here, and no rule of the procedure. `composition` alone chooses among them.
"""
