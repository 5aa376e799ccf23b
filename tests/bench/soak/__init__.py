"""Tests of the soak: its sums, on invented samples."""
