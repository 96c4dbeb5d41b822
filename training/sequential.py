"""A test of wins against losses that may be looked at any day: evidence that bets against the null have gathered.

Under the null no win is likelier than one half. For each fixed p above it, the likelihood ratio of p to one half is a
bet that is fair or worse, and so is their even mixture over p from one half to one: a nonnegative supermartingale. By
Ville's inequality it reaches 1/alpha with probability alpha at most, over all times together, however often somebody
looks and whenever he stops. (Ville 1939; Robbins, Ann. Math. Statist. 41, 1970; Ramdas, Grünwald, Vovk and Shafer,
"Game-theoretic statistics and safe anytime-valid inference", Statist. Sci. 38, 2023.)
"""

from math import comb, inf

ENOUGH = 20.0  # evidence at which to decide: wrong once in twenty at most


def evidence(wins: int, losses: int) -> float:
    """How much the bets that wins are likelier have gained: 1 at the start, below it as losses prevail.

    2^(n+1) times the integral of p^w (1-p)^l from 1/2 to 1, which is a sum of binomials: exact in whole numbers.
    """
    count = wins + losses
    gained, chosen = 0, 1  # binomials of count + 1, one after the other
    for k in range(wins + 1):
        gained += chosen
        chosen = chosen * (count + 1 - k) // (k + 1)
    try:
        return gained / ((count + 1) * comb(count, wins))
    except OverflowError:
        return inf
