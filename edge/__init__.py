"""What stands between people and cases: commands, ingest, demo; speaks to cases only through the public contract."""
