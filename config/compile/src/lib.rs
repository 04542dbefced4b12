//! From a checked system to tables and an image.
