"""`python -m platzwart` is the command."""

from platzwart.cli import main

main()
