"""Linear equations of balances, solved without a subtraction: no digit is lost where pipes of 1 mm meet pipes of 10 m.

A rise of head at k drives water out of balance k into other balances, `spread`, and out of them all, to sources and outlets,
`ground`. So the diagonal is ground + the sum of spread, and it is never stored: stored, it would lose what is small beside
a huge neighbour. To eliminate k is to send on what it gets in the same proportions (Grassmann, Taksar, Heyman 1985):

    pivot = ground_k + sum_i spread_k,i
    spread_j,i += spread_j,k spread_k,i / pivot,    ground_j += spread_j,k ground_k / pivot

It needs no symmetry: balances that an active pressure valve passes on to its other side are of this form, too.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

Spread = list[dict[int, float]]


def solved(spread: Spread, ground: list[float], right: list[float]) -> list[float]:
    """The rises that all balances ask for, m; the lists are used up.

    Args:
        spread: m2/s into other balances by a rise here, {balance: m2/s}, all positive; one per balance.
        ground: m2/s out of all balances by a rise here; per balance.
        right: what is missing, m3/s; per balance.

    Returns:
        m per balance; NaN or infinite where nothing joins a balance to the ground.
    """
    n = len(ground)
    gets: Spread = [{} for _ in range(n)]
    for k, column in enumerate(spread):
        for i, amount in column.items():
            gets[i][k] = amount
    # Those with the fewest neighbours first; numbers in the queue that are out of date are put back.
    queue = [(len(spread[k].keys() | gets[k].keys()), k) for k in range(n)]
    heapify(queue)
    order, pivots = [], []
    while queue:
        size, k = heappop(queue)
        now = len(spread[k].keys() | gets[k].keys())
        if now > size:
            heappush(queue, (now, k))
            continue
        out, into = spread[k], gets[k]
        pivot = ground[k] + sum(out.values())
        part = {i: amount / pivot if pivot > 0 else float("nan") for i, amount in out.items()}
        lost = ground[k] / pivot if pivot > 0 else float("nan")
        for i, share in part.items():
            del gets[i][k]
            right[i] += share * right[k]
        for j, amount in into.items():
            del spread[j][k]
            ground[j] += amount * lost
            for i, share in part.items():
                if i != j:
                    spread[j][i] = gets[i][j] = spread[j].get(i, 0.0) + amount * share
        order.append(k)
        pivots.append(pivot)
    rise = [0.0] * n
    for k, pivot in zip(reversed(order), reversed(pivots), strict=True):
        total = right[k] + sum(amount * rise[j] for j, amount in gets[k].items())
        rise[k] = total / pivot if pivot > 0 else float("nan")
    return rise
