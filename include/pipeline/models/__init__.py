"""The models of the tickers: which backbone is in use, training, tests of challengers, forecasts, retention."""
