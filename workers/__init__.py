"""RQ jobs and the tick. A job carries ids only and drains what the database says is due (DESIGN rule 4)."""
