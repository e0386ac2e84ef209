"""What the C library does with memory that was given back to it; only glibc is told, any other does as it does."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the parameters of mallopt
MOST_KEPT = 32 * 2**20  # bytes that large requests leave behind, for the next ones
LARGEST_KEPT = 4 * 2**20  # bytes of a piece that is kept; larger ones are given back at once


def keep_for_large_requests() -> None:
    """Keep some memory for the next large request: to ask the system for it anew costs as much as decoding it."""
    if set_option := getattr(ctypes.CDLL(None), "mallopt", None):
        set_option(_TRIM_THRESHOLD, MOST_KEPT)
        set_option(_MMAP_THRESHOLD, LARGEST_KEPT)


def give_back() -> None:
    """Return to the system what reading and loading took only for a while."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
