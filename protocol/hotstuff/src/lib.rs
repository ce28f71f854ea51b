//! Chained HotStuff on the Anthill contract (Yin et al. 2019).
