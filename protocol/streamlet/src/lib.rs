//! Streamlet on the Anthill contract (Chan and Shi 2020).
