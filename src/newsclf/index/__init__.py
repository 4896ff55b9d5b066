"""Everything seen so far: articles in SQLite, which is the truth, and postings beside it, which can be made again."""
