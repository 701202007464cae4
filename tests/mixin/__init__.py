"""Tests of what is generated: it is current, it is right, and it leads where it should."""
