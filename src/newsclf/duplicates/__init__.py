"""Near-duplicates: exact candidate pairs, a learned decision on each, clusters that are stars.

In order of reading: ``prefix`` and ``join`` (how candidates are found), ``overlap`` (how they are checked), ``candidates``
(both put together), ``cluster`` (from decided pairs to clusters).
"""
