"""What each paper and message states, a document a file: notice, ticket, delay, final notice; and how it is reprinted.

No layout (that is `adapters/papers/templates`) and no decision: a paper is made from facts that stand.
"""
