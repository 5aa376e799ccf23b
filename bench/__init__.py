"""What Hourcast costs, measured: `make bench`. Also `autoforecast.py`, rivals in an environment of their own."""
