"""Architectures that are trained for comparison with the Transformer: LSTM, TCN and LightGBM. None of them serves."""
