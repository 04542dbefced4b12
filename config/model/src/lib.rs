//! system.toml as typed, spanned data.
