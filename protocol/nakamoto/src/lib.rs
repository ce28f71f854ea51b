//! Nakamoto consensus on the Anthill contract: mining, relay, attacks (Nakamoto 2008).
