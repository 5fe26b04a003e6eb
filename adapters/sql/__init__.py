"""What every SQL adapter needs: engines, statements, column types, and the migrations of both databases.

No table of the register or the billing book is asked here.
"""
