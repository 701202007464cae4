"""Tests of polling: pace, gate, snapshot, runtime."""
