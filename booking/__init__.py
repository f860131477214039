"""Everything that is true about bookings; imports nothing of ours.

Read from low to high: `values` (frozen data), `rules` (pure policy), `tables` (typed rows), `reads` (queries that
return values), `actions` (one function per use case: gather → decide → apply, in the caller's one transaction).
"""
