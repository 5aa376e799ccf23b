"""The use cases: an hour, onboarding, replay, pre-training. Only this package knows in which order things are done."""
