//! The contract platform of Anthill's chains: WebAssembly contracts, accounts, a persistent trie with proofs.

#![forbid(unsafe_code)]
