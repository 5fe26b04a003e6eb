"""How a case decides: its facts, its conditions, its deadlines, what the clauses want next; `rulings` on its messages.

Pure: facts and the time go in, facts come out. Nothing here waits, sends or stores.
"""
