"""Settings, job names, logging. Imports nothing of ours; every process starts here."""
