"""
A simulated monitoring API: seeded, in both dialects, with faults and real effects of actions.

It imports nothing else of this project: a simulator that shared code with the exporter would
agree with the exporter's mistakes.
"""
