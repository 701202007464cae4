"""Tests, one folder for each part; what all of them share is in conftest.py."""
