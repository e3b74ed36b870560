"""A directed graph and the sizes of its nodes in, a place for each out: ranks, order, positions.

Ranks are by the longest path (a source stands just before its first user), orders by barycentres
to keep crossings few, positions as near to the neighbours as the sizes allow (K. Sugiyama, S. Tagawa
and M. Toda, 1981). An edge over several ranks gets a place in each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

__all__ = ["Placed", "Spot", "arranged"]

Edge = tuple[str, str]
Spot = tuple[str, str, int]  # an edge (from, to) where it passes a rank; a node is (name, "", rank)
SWEEPS = 12
LIGHT = 0.15  # how much what is given pulls on what is computed from it
PASSING = 16.0  # room for an edge that passes a rank


@dataclass(frozen=True)
class Placed:
    """The spots of each rank in order, and the place of each across the ranks."""

    ranks: tuple[tuple[Spot, ...], ...]
    across: Mapping[Spot, float]
    rank_of: Mapping[str, int]

    def waypoints(self, edge: Edge) -> list[Spot]:
        """The spots where an edge passes ranks between its ends."""
        first, last = self.rank_of[edge[0]], self.rank_of[edge[1]]
        return [(*edge, rank) for rank in range(first + 1, last)]


def arranged(
    nodes: Sequence[str], edges: Sequence[Edge], sizes: Mapping[str, float], gap: float
) -> Placed:
    """Ranks, orders and places of nodes, given in an order in which every edge leads forward."""
    rank_of = ranked(nodes, edges)
    ranks: list[list[Spot]] = [[] for _ in range(max(rank_of.values()) + 1)]
    for node in nodes:
        ranks[rank_of[node]].append((node, "", rank_of[node]))
    links: dict[Spot, list[Spot]] = {spot: [] for rank in ranks for spot in rank}
    for one, two in edges:
        first, last = rank_of[one], rank_of[two]
        chain: list[Spot] = [(one, "", first)]
        for rank in range(first + 1, last):
            spot = (one, two, rank)
            ranks[rank].append(spot)
            links[spot] = []
            chain.append(spot)
        for lower, upper in pairwise([*chain, (two, "", last)]):
            links[lower].append(upper)
            links[upper].append(lower)
    ordered = untangled(ranks, links)
    high = {spot: sizes[spot[0]] if not spot[1] else PASSING for rank in ranks for spot in rank}
    computed = {two for _, two in edges}
    pull = {spot: 1.0 if spot[0] in computed and not spot[1] else LIGHT for spot in high}
    across = positions(ordered, links, high, gap, pull)
    return Placed(tuple(tuple(rank) for rank in ordered), across, rank_of)


def ranked(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest path to each node; what nothing leads to stands just before its first user."""
    before: dict[str, list[str]] = {node: [] for node in nodes}
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for one, two in edges:
        before[two].append(one)
        after[one].append(two)
    rank: dict[str, int] = {}
    for node in nodes:
        rank[node] = 1 + max((rank[b] for b in before[node]), default=-1)
    for node in nodes:
        if not before[node] and after[node]:
            rank[node] = min(rank[a] for a in after[node]) - 1
    return rank


def untangled(
    ranks: Sequence[Sequence[Spot]], links: Mapping[Spot, Sequence[Spot]]
) -> list[list[Spot]]:
    """The order with the fewest crossings that sweeping back and forth finds."""
    now = [list(rank) for rank in ranks]
    best, fewest = now, crossings(now, links)
    for sweep in range(SWEEPS):
        now = [list(rank) for rank in now]
        order = range(1, len(now)) if sweep % 2 == 0 else range(len(now) - 2, -1, -1)
        for n in order:
            beside = now[n - 1] if sweep % 2 == 0 else now[n + 1]
            place = {spot: float(i) for i, spot in enumerate(beside)}
            own = {spot: float(i) for i, spot in enumerate(now[n])}
            middle = {
                spot: mean([place[s] for s in links[spot] if s in place], own[spot])
                for spot in now[n]
            }
            now[n].sort(key=middle.__getitem__)
        count = crossings(now, links)
        if count < fewest:
            best, fewest = now, count
    return best


def crossings(ranks: Sequence[Sequence[Spot]], links: Mapping[Spot, Sequence[Spot]]) -> int:
    """How many pairs of lines between neighbouring ranks cross."""
    count = 0
    for low, high in pairwise(ranks):
        place = {spot: i for i, spot in enumerate(high)}
        ends = [(i, place[s]) for i, spot in enumerate(low) for s in links[spot] if s in place]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(ends, 2))
    return count


def mean(values: Sequence[float], otherwise: float) -> float:
    """The mean, or another value where there are none."""
    return sum(values) / len(values) if values else otherwise


def positions(
    ranks: Sequence[Sequence[Spot]],
    links: Mapping[Spot, Sequence[Spot]],
    high: Mapping[Spot, float],
    gap: float,
    pull: Mapping[Spot, float],
) -> dict[Spot, float]:
    """Every spot as near to its neighbours as those beside it allow; ``pull`` says how each counts."""
    across: dict[Spot, float] = {}
    for rank in ranks:
        total = sum(high[s] for s in rank) + gap * (len(rank) - 1)
        across |= settled(rank, dict.fromkeys(rank, -total / 2), high, gap)
    for sweep in range(2 * SWEEPS):
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            wanted = {
                s: sum(pull[t] * across[t] for t in links[s]) / total
                if (total := sum(pull[t] for t in links[s]))
                else across[s]
                for s in rank
            }
            across |= settled(rank, wanted, high, gap)
    return across


def settled(
    rank: Sequence[Spot], wanted: Mapping[Spot, float], high: Mapping[Spot, float], gap: float
) -> dict[Spot, float]:
    """The places nearest to those wanted, in order and apart: blocks that meet share their mean."""
    offsets = [0.0]
    for one, two in pairwise(rank):
        offsets.append(offsets[-1] + (high[one] + high[two]) / 2 + gap)
    blocks: list[list[float]] = []
    for spot, offset in zip(rank, offsets, strict=True):
        blocks.append([wanted[spot] - offset])
        while len(blocks) > 1 and mean(blocks[-2], 0.0) > mean(blocks[-1], 0.0):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    bases = [mean(block, 0.0) for block in blocks for _ in block]
    return {s: base + offset for s, base, offset in zip(rank, bases, offsets, strict=True)}
