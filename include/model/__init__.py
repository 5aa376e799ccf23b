"""The decoder-only Transformer: config, training, prediction, calibration, checkpoints. Only here is torch imported."""
