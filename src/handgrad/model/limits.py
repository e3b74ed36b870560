"""How much is accepted: plain integers, compared before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """The largest problem that is taken on; pass another to take on more.

    >>> Limits(layers=1000).layers
    1000
    """

    file_bytes: int = 2**20
    """Size of a problem file."""
    data_bytes: int = 256 * 2**20
    """Size of a file of examples or weights."""
    header_bytes: int = 2**20
    """Size of the table of contents of a file of weights."""
    arrays: int = 10_000
    """Arrays in one file."""
    depth: int = 32
    """Lists and tables inside each other in a problem file."""
    key_parts: int = 16
    """Parts of a dotted key in a problem file."""
    mistakes: int = 50
    """Mistakes of one problem file that are written out; the others are counted."""
    axes: int = 4
    """Axes of an array in a problem file."""
    layers: int = 256
    claims: int = 10_000
    units: int = 65_536
    """Units of one layer."""
    parameters: int = 50_000_000
    elements: int = 100_000_000
    """Numbers of one step, all quantities together."""
    page_parameters: int = 1_000_000
    """Parameters of a network on the web page."""
    epochs: int = 1_000_000
    steps: int = 1_000_000_000
    networks: int = 10_000
    """Networks of one sweep."""
    plotted_steps: int = 1_000_000
    """Updates that are run for one plot."""
    decimals: int = 17
    """Decimals shown; 17 significant digits tell any two doubles apart."""
    exact_operations: int = 100_000
    """Scalar operations of a run with exact numbers, all its steps together."""
    exact_decimals: int = 50
    """Decimals shown of exact numbers."""
    operations_in_full: int = 2_000
    """Scalar operations of a derivation that is shown in full; beyond, it is summarised."""
    page_seconds: int = 60
    """Processor time of one job of the web page."""
    page_bytes: int = 2**30
    """Memory of one job of the web page."""
    page_queue: int = 16
    """Jobs that wait at the web page."""
