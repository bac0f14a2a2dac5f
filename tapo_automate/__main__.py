"""`python -m tapo_automate` is the command `tapo-automate`."""

from tapo_automate.cli import main

main()
