//! The rules that a system has to obey.
