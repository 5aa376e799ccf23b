"""The use cases, in the order of the hour. Nobody else knows that order."""
