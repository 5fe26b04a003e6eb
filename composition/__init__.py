"""The composition root: which adapter stands behind which port, settings, logs, the worker, the process.

The only package that imports `adapters`. No rule, no SQL, no command.
"""
