"""The two systems behind the billing port (`activities/billing.py`): the embedded book, and the utility's own by HTTP.

`embedded`, `booking`, `tables` are the book in SQL; `over_http`, `line`, `answers`, `address` the utility's API.
Nothing here knows of notices or cuts.
"""
