"""Raw text to clean text to term hashes."""
