"""The error tree: retryable errors and permanent ones.

```
HourcastError
├── RetryableError              a temporary fault outside; the same call may work later
│   ├── MarketUnavailableError      timeout, reset, 5xx, unreadable response
│   │   └── RateLimitedError        the source's rate limit was reached
│   ├── BarsNotReadyError           the source responds, but without the expected bar
│   ├── StoreUnavailableError       Postgres cannot be reached or dropped the connection
│   ├── ArtefactStoreUnavailableError  the store of artefacts cannot be reached or keeps nothing
│   └── FilingsUnavailableError     a source of filings cannot be reached, refuses for now, or sent half a document
└── PermanentError              retrying cannot help; a person must act
    ├── InvalidRequestError         a request cannot be fulfilled
    │   └── UnknownTickerError      the source does not know the ticker
    ├── DataContractError           data that breaks its contract
    ├── CheckpointError             a model artefact is missing, corrupt or of another configuration
    ├── UnfinishedRunError          a run lacks results, and only clearing its failed tasks helps
    ├── SettingsError               a setting is unknown or cannot be used
    └── LaunchError                 a component of `make run` did not start, or stopped
```

Standard library only. Adapters translate foreign exceptions into these with ``raise ... from``;
nothing above an adapter catches a library's own types. A message says what happened, to which
ticker and hour, and what to do next.
"""


class HourcastError(Exception):
    """Base class of every error that Hourcast raises itself."""


class RetryableError(HourcastError):
    """A temporary fault outside the product; the same call may work later."""


class MarketUnavailableError(RetryableError):
    """A bar source timed out, closed the connection, or sent an unreadable response."""


class RateLimitedError(MarketUnavailableError):
    """A bar source's rate limit was reached."""


class BarsNotReadyError(RetryableError):
    """A bar source responded, but without the bar that was due."""


class StoreUnavailableError(RetryableError):
    """Postgres cannot be reached, or dropped the connection."""


class ArtefactStoreUnavailableError(RetryableError):
    """The store of model artefacts cannot be reached, or does not return what was written."""


class FilingsUnavailableError(RetryableError):
    """A source of filings cannot be reached, refuses for a while, or sent something unreadable."""


class PermanentError(HourcastError):
    """Retrying cannot help; a person must act."""


class InvalidRequestError(PermanentError):
    """A person's request cannot be fulfilled."""


class UnknownTickerError(InvalidRequestError):
    """The ticker's bar source does not know it."""


class DataContractError(PermanentError):
    """Data breaks its contract: a missing column, a naive time, a duplicated row."""


class CheckpointError(PermanentError):
    """A model artefact is missing, corrupt, or made by another configuration."""


class UnfinishedRunError(PermanentError):
    """A run lacks results of an earlier task, which a person must clear."""


class SettingsError(PermanentError):
    """A setting is unknown, or its value cannot be used."""


class LaunchError(PermanentError):
    """A component of the one-machine installation (``make run``) did not start, or stopped."""
