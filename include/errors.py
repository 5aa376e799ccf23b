"""The error tree: what can go wrong, sorted by who can put it right.

```
HourcastError
├── RetryableError              the world hiccuped; the same call may work later
│   ├── MarketUnavailableError      timeout, reset, 5xx, unreadable answer
│   │   └── RateLimitedError        the source asked us to slow down
│   ├── BarsNotReadyError           the source answers, but the expected bar is not there yet
│   └── StoreUnavailableError       Postgres cannot be reached or dropped the connection
└── PermanentError              retrying is useless; a person or a deploy must act
    ├── InvalidRequestError         a person asked for something impossible
    │   └── UnknownTickerError      the source does not know the ticker
    ├── DataContractError           data that breaks its contract
    ├── CheckpointError             a model artefact is missing, corrupt or foreign
    ├── SettingsError               a setting is unknown or cannot be used
    └── LaunchError                 a part of the one-machine installation did not start or broke off
```

Standard library only. Adapters translate foreign exceptions into these with ``raise ... from``;
nothing above an adapter catches a library's own types. A message says what happened, to which
ticker and hour, and what to do next.
"""


class HourcastError(Exception):
    """Root of every error that Hourcast raises on purpose."""


class RetryableError(HourcastError):
    """The world hiccuped; the same call may work later."""


class MarketUnavailableError(RetryableError):
    """A bar source timed out, broke off, or gave an answer nobody can read."""


class RateLimitedError(MarketUnavailableError):
    """A bar source asked us to slow down."""


class BarsNotReadyError(RetryableError):
    """A bar source answered, but the bar that was due is not there yet."""


class StoreUnavailableError(RetryableError):
    """Postgres cannot be reached, or dropped the connection."""


class PermanentError(HourcastError):
    """Retrying is useless; a person or a deploy must act."""


class InvalidRequestError(PermanentError):
    """A person asked for something that cannot be done as asked."""


class UnknownTickerError(InvalidRequestError):
    """The ticker's bar source does not know it."""


class DataContractError(PermanentError):
    """Data breaks its contract: a missing column, a naive time, a row twice."""


class CheckpointError(PermanentError):
    """A model artefact is missing, corrupt, or made by another configuration."""


class SettingsError(PermanentError):
    """A setting is unknown, or its value cannot be used."""


class LaunchError(PermanentError):
    """A part of the one-machine installation (``make run``) did not start, or broke off."""
