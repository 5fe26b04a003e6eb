"""The proof: the record of one case judged rule by rule (R-30).

It never reaches `domain/case`: a proof knows nothing of how a case decides.
"""
