"""Tests of the trial of the loop: its market, its hours, its sums and its page."""
