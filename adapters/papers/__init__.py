"""Papers as PDF: `typst` renders them by its `templates`, `folder` keeps them.

What a paper states is made in `domain/papers`; nothing here chooses a wording.
"""
