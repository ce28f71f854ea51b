//! Dolev-Strong broadcast on the Anthill contract (Dolev and Strong 1983).
