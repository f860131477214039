"""One function per use case: `(session, now, …)`. The caller owns the transaction."""
