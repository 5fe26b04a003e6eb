"""What others send to a case and are answered: signals, updates, answers, refusals, and the table of them all.

Form only. Whether a message is right for a case is judged in `domain/case/rulings`.
"""
