"""Tests of the programs that only Debian's unstable suite has: `make test-newest`."""
