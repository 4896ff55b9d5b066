"""Near-duplicates: exact candidate pairs, and clusters that are stars.

In order of reading: ``prefix``, ``join`` and ``identical`` (how candidates are found), ``overlap`` (how they are checked),
``candidates`` (all of it put together), ``cluster`` (from decided pairs to clusters).
"""
