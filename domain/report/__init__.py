"""The monthly report to the government, made from the record alone (III.5).

It never reaches `domain/case`: a report knows nothing of how a case decides.
"""
