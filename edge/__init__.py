"""What stands between people and cases: `commands`, `ingest`, `operations`, `doctor`, `demo`.

It reaches cases by `client` alone, and adapters by `composition` alone. No rule of the procedure, no SQL.
"""
