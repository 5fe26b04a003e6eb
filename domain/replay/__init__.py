"""Policy replay: what recorded cases would have become under another policy.

It reads the record, and never reaches `domain/case`.
"""
