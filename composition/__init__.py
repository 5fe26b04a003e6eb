"""The composition root: `parts` (which adapter stands behind which port), `serving` (the worker), settings, logs.

The only package that imports `adapters`. No rule, no SQL, no command.
"""
