"""The two billing systems behind the port: the embedded book in SQL, and the utility's own over HTTP.

Nothing here knows of notices or cuts.
"""
