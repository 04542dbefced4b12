//! What the kernel decides, on plain data.
