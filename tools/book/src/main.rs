//! `cofferdam-book DOCUMENTS PAGES`: the documents as a book. `cargo xtask book` calls it; a program of its own, since it is the one that takes long to
//! build.

#![forbid(unsafe_code)]

use std::env::args_os;
use std::path::PathBuf;

use anyhow::{Context, Result};
use mdbook_driver::MDBook;

fn main() -> Result<()> {
    let mut paths = args_os().skip(1).map(PathBuf::from);
    let documents = paths.next().context("where the documents are is missing")?;
    let pages = paths.next().context("where the pages go is missing")?;
    let mut book = MDBook::load(&documents)
        .with_context(|| format!("{} cannot be read as a book", documents.display()))?;
    book.config.build.build_dir = pages;
    book.build().context("the book cannot be made")
}
