"""The command line: parse, call the public API, write. Results go to stdout, words for people to stderr."""
