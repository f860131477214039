"""A remote per protocol behind one contract (`sync.remotes.protocol`)."""
