"""``make doctor``: looks an installation over, and says what is wrong with it and what to do. It changes nothing."""
