"""The real things behind the ports: SQL stores, calendars, channels."""
