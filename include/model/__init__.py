"""The decoder-only Transformer: config, training, prediction, calibration, checkpoints. The only room with torch."""
