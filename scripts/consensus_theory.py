"""Closed forms of the consensus family, and intervals of what is drawn."""

import math

# Two-sided: 95 %, and what theory excludes at p < 1e-6.
USUAL, EXTREME = 1.96, 4.9


def row(protocol, what, measured, expected, low, high, wide=None, exact=False):
    """A figure beside theory: within 95 % of it, and within what theory admits at all."""
    wide = wide or (low, high)
    return {"protocol": protocol, "property": what, "measured": measured, "expected": expected,
            "low": low, "high": high, "inside": low <= measured <= high, "exact": exact,
            "ok": wide[0] <= measured <= wide[1]}


def exact(protocol, what, measured, expected):
    return row(protocol, what, measured, expected, expected, expected, exact=True)


def normal(protocol, what, measured, expected, sd):
    low, high = expected - USUAL * sd, expected + USUAL * sd
    return row(protocol, what, measured, expected, low, high,
               (expected - EXTREME * sd, expected + EXTREME * sd))


def bounded(protocol, what, measured, low, high, expected):
    return row(protocol, what, measured, expected, low, high)


def binomial(protocol, what, hits, trials, p):
    """A share of so many trials."""
    if p in (0.0, 1.0):
        return {**exact(protocol, what, hits / trials, p), "trials": trials}
    usual, extreme = (quantiles(trials, p, tail) for tail in (0.025, 5e-7))
    shares = [count / trials for count in (*usual, *extreme)]
    return {**row(protocol, what, hits / trials, p, *shares[:2], tuple(shares[2:])), "trials": trials}


def binomial_between(protocol, what, hits, trials, least_p, most_p):
    """A share of so many trials, whose probability theory knows within bounds. The lower one is told."""
    inner = lambda tail: (quantiles(trials, least_p, tail)[0] / trials, quantiles(trials, most_p, tail)[1] / trials)
    return {**row(protocol, what, hits / trials, least_p, *inner(0.025), inner(5e-7)), "trials": trials}


def quantiles(trials, p, tail):
    """The counts between which all but so much lies on either side."""
    sd = math.sqrt(trials * p * (1 - p))
    if sd > 40:
        z = USUAL if tail > 0.01 else EXTREME
        return trials * p - z * sd, trials * p + z * sd
    return least(trials, p, tail), trials - least(trials, 1 - p, tail)


def least(trials, p, tail):
    """The least k with P(X <= k) > tail."""
    first = max(0, math.floor(trials * p - 12 * math.sqrt(trials * p * (1 - p)) - 12))
    below = 0.0
    for k in range(first, trials + 1):
        below += math.exp(math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
                          + k * math.log(p) + (trials - k) * math.log1p(-p))
        if below > tail:
            return k
    return trials


def of_checks(protocol, what, checks):
    """Several runs' check of one thing, as one figure: they are independent."""
    n = len(checks)
    mean = lambda values: sum(values) / n
    measured = mean([check["measured"] for check in checks])
    expected = mean([check["expected"] for check in checks])
    half = mean([(check["interval"][1] - check["interval"][0]) / 2 for check in checks])
    return normal(protocol, what, measured, expected, half / math.sqrt(n) / USUAL)


def truncated_mean(protocol, what, alive, trials, survival):
    """Mean of min(T, E + 1) where alive[E] of the trials live longer than E rounds."""
    ends = range(len(survival))
    mean = sum(survival)
    square = sum((2 * after + 1) * survival[after] for after in ends)
    return normal(protocol, what, sum(alive) / trials, mean,
                  math.sqrt((square - mean * mean) / trials))


def at_least(k, n, p):
    """P(Bin(n, p) >= k)."""
    return sum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k, n + 1))


def failing_election(n, share):
    """That the first election after a crash of the leader has no winner: I_{d/T}(k - 1, n - k + 1), the
    chance that so many others of n - 1 time out within one delay of the first. Odd n."""
    k = n + 1 - (n // 2 + 1)
    return at_least(k - 1, n - 1, share)


def toss(n, f):
    """That one side of n tosses is enough for Ben-Or whatever f reports are hidden."""
    more = [k for k in range(n + 1) if k > n / 2 + f]
    return 2 * sum(math.comb(n, k) for k in more) / 2**n


def mute_wait(n, f):
    p = (n - f) / n
    return (1 - p**3) / (p**3 * (1 - p))


def gap(load, miners):
    """Intervals from one height to the next when every block reaches all others of so many equal miners after a
    delay in which `load` blocks are found. Whoever has a block works on the next one at once: its first finder,
    and those who find another of the same height meanwhile. In first order of 1/n."""
    return 1 + load - (load + load**2 + load**3 / 6) / miners


def selfish(alpha, gamma):
    """Eyal and Sirer, equation 8."""
    above = alpha * (1 - alpha)**2 * (4 * alpha + gamma * (1 - 2 * alpha)) - alpha**3
    return above / (1 - alpha * (1 + (2 - alpha) * alpha))


def rosenfeld(q, z):
    p = 1 - q
    return 1 - sum(math.comb(z + k - 1, k) * p**z * q**k * (1 - (q / p)**(z - k)) for k in range(z + 1))


def nakamoto_poisson(q, z):
    """Section 11 of Nakamoto's paper."""
    mean = z * q / (1 - q)
    return 1 - sum(mean**k * math.exp(-mean) / math.factorial(k) * (1 - (q / (1 - q))**(z - k))
                   for k in range(z + 1))


def hops(n):
    return math.log2(n) / 2 - 0.137
