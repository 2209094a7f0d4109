//! Shards over a simulated network.
