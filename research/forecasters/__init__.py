"""The forecasters that Hourcast is compared with, beside the baselines of ``include/evaluation``."""
