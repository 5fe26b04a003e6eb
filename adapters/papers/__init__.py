"""Papers as PDF: Typst and its templates, and the folder that keeps them.

What a paper states is made in `domain/papers`.
"""
