//! Typed messages: wire format, bounds, schema fingerprints, port notes.
