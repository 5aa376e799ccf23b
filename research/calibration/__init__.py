"""What ``research/calibration_trial.py`` is made of."""
