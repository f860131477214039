"""Pure policy: values in, verdict out. No database, no clock, no network."""
