"""The errors that Tweeling raises on purpose; everything else that is raised is a bug.

    TweelingError
    ├── InputError              a file or argument that cannot be used
    │   ├── NetworkFileError    an INP file that cannot be read; names section and line
    │   ├── UnknownElementError an id that the network has not
    │   └── DecodeError         readings that cannot be made out; names where
    ├── TooLargeError           a request that would not fit in memory
    ├── StoreError              a store that cannot be opened, read or written
    ├── SnapshotMismatch        a snapshot of another program, network or configuration
    └── MissingExtraError       an optional package that is not installed

Bad data inside a stream is flagged on the reading; a member that does not converge gets a status in `info`; neither is an
exception.
"""

from __future__ import annotations


class TweelingError(Exception):
    """Base of all errors that a user can do something about."""


class InputError(TweelingError):
    """A file or an argument that cannot be used; the message names what, where and what to try."""


class NetworkFileError(InputError):
    """A network file that cannot be read.

    Args:
        message: what is wrong, where and what to try.
        problems: one line per problem found, in the file's order; may be empty.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class UnknownElementError(InputError):
    """An id that the network has not."""


class DecodeError(InputError):
    """A body or a file of readings that cannot be made out at all; the message names where, and what to send instead."""


class TooLargeError(InputError):
    """A request whose answer would not fit in memory; the message names the size and a smaller way."""


class StoreError(TweelingError):
    """A store that cannot be opened, read or written; the message names its file."""


class SnapshotMismatch(TweelingError):  # noqa: N818 - not a fault: the answer to it is to rebuild
    """A snapshot that this program, network or configuration cannot go on from; the twin rebuilds from its readings."""


class MissingExtraError(TweelingError):
    """An optional package that is not installed; the message is the command that installs it."""
