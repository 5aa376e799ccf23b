"""The file system behind an address such as ``s3://bucket/prefix``.

``s3://`` uses the S3 client of pyarrow, which is installed for pandas, so no other package is needed: s3fs would
replace other pinned packages. Every other address is fsspec's, by way of the package that the kind of address needs.
Credentials come from the usual variables of the service, such as ``AWS_ACCESS_KEY_ID``.
"""

from __future__ import annotations

import re
from typing import Any, Final

from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # ships no types
from fsspec.implementations.arrow import ArrowFSWrapper  # type: ignore[import-untyped]  # ships no types
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem  # type: ignore[import-untyped]  # ships no types

TIMEOUT_SECONDS: Final = 20.0
"""Seconds without a byte after which a request to S3 counts as failed, and seconds for a connection."""
ATTEMPTS: Final = 3
"""Tries of one request to S3."""
_S3: Final = "s3://"
_SECRET: Final = re.compile(r"://[^/@\s]*@")


def without_secrets(text: str) -> str:
    """An address, or a message about one, without users and passwords."""
    return _SECRET.sub("://", text)


def open_address(
    uri: str, s3_endpoint: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS, attempts: int = ATTEMPTS
) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path of the address in it; nothing is read or written.

    ``s3_endpoint`` is the address of an S3-compatible server; None: Amazon's.

    Raises:
        ImportError: the package for this kind of address is not installed.
        ValueError: fsspec does not know such an address.
    """
    if not uri.startswith(_S3):
        return url_to_fs(uri)  # type: ignore[no-any-return]  # ships no types
    client = S3FileSystem(
        endpoint_override=s3_endpoint,
        request_timeout=timeout_seconds,
        connect_timeout=timeout_seconds,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=attempts),
        allow_delayed_open=True,  # a small object is one request
    )
    return ArrowFSWrapper(client), uri.removeprefix(_S3).strip("/")
