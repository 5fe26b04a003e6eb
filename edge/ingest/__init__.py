"""From billing to cases: exports are read (`lines`, `columns`), booked (`ingest`), announced (`announcements`).

`overdue` asks billing who owes; `events` makes the signals; `book` is the port of the embedded book.
"""
