//! Randomised agreement on the Anthill contract (Ben-Or 1983; Mostefaoui, Moumen and Raynal 2014; Shi 2020).
