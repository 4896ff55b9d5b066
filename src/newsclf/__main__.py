"""``python -m newsclf``: the same as ``newsclf``."""

from newsclf.cli.app import main

main()
