//! What the rogue partition tries.
