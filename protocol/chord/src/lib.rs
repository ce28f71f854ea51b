//! The Chord lookup protocol on the Anthill contract (Stoica et al. 2001).
