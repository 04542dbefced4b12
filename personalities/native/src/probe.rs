//! What an attacker may try.
