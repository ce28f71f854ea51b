"""Closed forms of the chains and the exchange, and intervals where only seeds give the deviation."""

import functools
import math
import statistics

from consensus_theory import binomial, binomial_between, bounded, exact, normal, row  # noqa: F401


def student(protocol, what, values, expected):
    """The mean of independent runs beside theory; the deviation is that of the runs. A mean within `slack` of it is
    as good as equal, if all runs agree."""
    count, mean = len(values), statistics.fmean(values)
    if count < 3:
        return row(protocol, what, mean, expected, -math.inf, math.inf)
    error = statistics.stdev(values) / math.sqrt(count)
    low, wide = (student_quantile(tail, count - 1) * error for tail in (0.025, 5e-7))
    return row(protocol, what, mean, expected, expected - low, expected + low, (expected - wide, expected + wide))


def root(function, low, high):
    """Where a falling function is zero."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


@functools.cache
def student_quantile(tail, degrees):
    """t with P(T > t) = tail."""
    factor = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def above(t):
        # With x = t tan a: a finite range.
        steps, begin = 2000, math.atan(t / math.sqrt(degrees))
        width = (math.pi / 2 - begin) / steps
        return factor * math.sqrt(degrees) * width * sum(math.cos(begin + (i + 0.5) * width)**(degrees - 1)
                                                         for i in range(steps))
    return root(lambda t: above(t) - tail, 0.0, 1e4)


def gamma_above(a, x):
    """Q(a, x), regularised: by its series, or its continued fraction where that is small."""
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 10_000):
            term *= x / (a + n)
            total += term
            if term < total * 1e-16:
                break
        return 1 - scale * total
    b, c, d = x + 1 - a, 1e300, 1 / (x + 1 - a)
    h = d
    for n in range(1, 10_000):
        an = -n * (n - a)
        b += 2
        d, c = 1 / (an * d + b), b + an / c
        h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return scale * h


def chi_squared(protocol, what, counts, shares):
    """Counts of classes beside their shares: χ² with a degree less than classes."""
    total, degrees = sum(counts), len(counts) - 1
    value = sum((count - total * share)**2 / (total * share) for count, share in zip(counts, shares))
    at = lambda tail: root(lambda x: gamma_above(degrees / 2, x / 2) - tail, 0.0, 1e5)
    return row(protocol, what, value, degrees, at(0.975), at(0.025), (at(1 - 5e-7), at(5e-7)))


# Proof of stake.

def waiting(load, most, interval):
    """Mean from arrival to the making of the block that takes a transaction, in s, with blocks of so many every
    interval: T/2 + E[Q]/λ, Q' = (Q + Poisson(λT) − C)⁺."""
    mean = load * most
    size = most * 60
    arrivals = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(size)]
    left = [1.0] + [0.0] * (size - 1)
    for _ in range(400):
        after = [0.0] * size
        for queued, p in enumerate(left):
            if p > 1e-14:
                for came, q in enumerate(arrivals[:most * 5]):
                    after[min(max(queued + came - most, 0), size - 1)] += p * q
        if max(abs(x - y) for x, y in zip(left, after)) < 1e-11:
            break
        left = after
    return interval / 2 + sum(k * p for k, p in enumerate(left)) / (mean / interval)


def grinding_proposers(share, tries):
    return share / ((1 - share)**tries + share)


def beta_binomial_sd(trials, a, b):
    total = a + b
    return math.sqrt(trials * a * b * (total + trials) / (total**2 * (total + 1)))


def silent_share(share, lost, grows):
    """What a silent share of the stake adds to an interval where proposers are drawn."""
    return share * lost / (1 - share) + grows * share**2 / (1 - share)**2


def least_coalition(n):
    return 2 * (2 * n // 3 + 1) - n


def trie_depth(entries):
    """Mean depth of a leaf among so many: Σ 1 − (1 − 2⁻ᵏ)^(N − 1)."""
    return sum(-math.expm1((entries - 1) * math.log1p(-0.5**k)) if k else 1.0 for k in range(200))


def sync_time(blocks, window, delay, interval):
    return 2 * delay * blocks / (window - 2 * delay / interval)


# Good-Will.

def donation_gain(value, own, others):
    return value * own / (own + others) - own


def equilibrium(value, n):
    return value * (n - 1) / n**2


def best_reply(value, others, kappa=0.0):
    return max(0.0, math.sqrt(value * others / (1 - kappa)) - others)


def moving_bids(value, n, first, windows):
    bid = first
    for _ in range(windows):
        bid += (best_reply(value, (n - 1) * bid) - bid) / n
    return bid


def binomials(n, p):
    return [math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p)
                     + (n - k) * math.log1p(-p)) for k in range(n + 1)]


def admitted(honest, p, sybils=0):
    needed = max(0, -(-3 * (honest + sybils) // 4) - sybils)
    return sum(binomials(honest, p)[needed:])


def gini(n, first, bid, reward, slots, windows):
    """(n − 1)/n · reward · E|K₁ − K₂| / 2μ, the slots of two forgers multinomial."""
    total, p, distance = slots * windows, 1 / n, 0.0
    both = binomials(total, 2 * p)
    for s, q in enumerate(both):
        if q > 1e-15:
            distance += q * sum(abs(2 * k - s) * h for k, h in enumerate(halves(s)))
    mean = first + windows * (slots * reward * p - bid)
    return (n - 1) / n * reward * distance / (2 * mean)


@functools.cache
def halves(s):
    return binomials(s, 0.5) if s else [1.0]


def monopoly_delayed(n, slots, delta, windows):
    """E(1 − Σ x²) where bids of a share of wealth weigh two windows later: the recursion of second moments."""
    keep, even = 1 - delta, 1 / n
    squares, ones, two = [even] * 3, [even] * 2, even
    for _ in range(windows):
        drawn = 1 / slots + (1 - 1 / slots) * squares[2]
        square = keep**2 * squares[0] + 2 * delta * keep * two + delta**2 * drawn
        one = keep * squares[0] + delta * two
        two = keep * ones[0] + delta * ones[1]
        squares, ones = [square, *squares[:2]], [one, ones[0]]
    return 1 - squares[0]


def private_fork(a, z):
    ratio, b = a / (1 - a), 1 - a
    if z <= 1:
        return ratio**2
    parts = [math.comb(m + z - 2, m) * b**(z - 1) * a**m for m in range(z + 1)]
    return sum(p * ratio**(z + 1 - m) for m, p in enumerate(parts)) + 1 - sum(parts)


def shorter_branch(slots, x):
    return sum(p * min(k, slots - k) for k, p in enumerate(binomials(slots, x)))


def grinding_slots(slots, a, tries):
    below = expected = 0.0
    sum_ = 0.0
    for k, p in enumerate(binomials(slots, a)):
        sum_ = min(1.0, sum_ + p)
        expected += k * (sum_**tries - below)
        below = sum_**tries
    return expected / slots


def eclipsed(full, bad, homes):
    return math.comb(bad, homes) / math.comb(full, homes)


def starved(q, slots):
    return (1 - q)**slots


def wait_of_served(q, slots):
    return sum(k * q * (1 - q)**(k - 1) for k in range(1, slots + 1)) / (1 - starved(q, slots))


def captor_share(value, n, kappa):
    """Its share of the weight if n − 1 others go on to bid as n equals do."""
    others = (n - 1) * equilibrium(value, n)
    bid = best_reply(value, others, kappa)
    return bid / (bid + others), bid


# Exchange.

def taken_between(rate, seconds):
    """That somebody takes a quote in between."""
    return -math.expm1(-rate * seconds)
