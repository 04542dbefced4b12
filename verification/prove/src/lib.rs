//! The prover: takes a finished image, and proves of it what `system.toml` declares and what holds in every system.
//!
//! It shares no code with what made the image, nor with what runs it: its own decoder reads the ELF ([`image`]), the tables ([`tables`]) and
//! the kernel's first instructions ([`start`]), its own reader `system.toml` ([`declared`]) and the board's file ([`facts`]). From these it rebuilds who
//! reaches which page frame, who runs in which window, who holds what ([`statements`], one module for each matter), and says of each statement over
//! how many things it was checked. [`certificate`] makes that a document, which the integrator can sign. [`mutate`] is the test of all this: it
//! changes images, and counts what is found.
//!
//! Nothing of an image is believed. Whatever the bytes, there is an answer: a [`Proof`], whose statements hold or say why not, or a
//! [`Refusal`], when there is nothing to make statements about.

#![forbid(unsafe_code)]

use std::fmt;

pub mod certificate;
pub mod declared;
pub mod facts;
pub mod image;
pub mod mutate;
pub mod numbers;
mod program;
pub mod records;
pub mod start;
pub mod statements;
pub mod tables;
pub mod units;
pub mod values;
mod world;

use declared::Declared;
use facts::Facts;
use image::Image;
use program::Program;
use serde::{Deserialize, Serialize};
use statements::Statement;
use tables::Tables;
use world::World;

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// What an image is held against.
#[derive(Clone, Debug)]
pub struct Prover {
    pub(crate) declared: Declared,
    pub(crate) facts: Facts,
    pub(crate) kernel: Option<Program>,
    pub(crate) programs: Vec<(String, Program)>,
}

/// Something of an image by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is.
    pub what: String,
    /// Where it is loaded.
    pub physical: u64,
    /// The bytes of it that the file has.
    pub bytes: u64,
    /// Their hash (SHA-256, in hexadecimal).
    pub sha256: String,
}

/// What was proved of an image, or not.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Each statement.
    pub statements: Vec<Statement>,
}

impl Proof {
    /// Every statement holds.
    pub fn holds(&self) -> bool {
        self.statements.iter().all(Statement::holds)
    }
}

impl Prover {
    /// Reads what an image is to be held against: `system.toml` and the board's file. `kernel` and `programs`, by the names of
    /// their partitions, are the ELFs that went into the image, where they are there: only with them can a statement be made about each byte
    /// of code.
    ///
    /// # Errors
    /// If one of these is not understood.
    pub fn new(
        system: &str,
        board: &str,
        kernel: Option<&[u8]>,
        programs: &[(String, Vec<u8>)],
    ) -> Result<Self, Refusal> {
        let facts = Facts::read(board)?;
        let declared = Declared::read(system, &facts)?;
        let within = |name: &str| {
            let name = name.to_owned();
            move |refusal: Refusal| Refusal::new(format!("the program of {name}: {refusal}"))
        };
        let kernel = kernel.map(|elf| Program::read(elf).map_err(within("the kernel")));
        let programs = programs
            .iter()
            .map(|(name, elf)| Ok((name.clone(), Program::read(elf).map_err(within(name))?)));
        Ok(Self {
            kernel: kernel.transpose()?,
            programs: programs.collect::<Result<_, _>>()?,
            declared,
            facts,
        })
    }

    /// The system's name.
    pub fn system(&self) -> &str {
        &self.declared.name
    }

    /// The statements, by their names, that nobody can look at, because the programs were not given.
    pub fn open(&self) -> Vec<String> {
        let needed = [
            (self.kernel.is_none(), statements::KERNEL_TEXT),
            (self.programs.is_empty(), statements::PROGRAM_TEXT),
        ];
        let open = needed.iter().filter(|(is_open, _)| *is_open);
        open.map(|(_, name)| (*name).to_owned()).collect()
    }

    /// Proves an image.
    ///
    /// # Errors
    /// If it is none, or one that is damaged.
    pub fn prove(&self, bytes: &[u8]) -> Result<Proof, Refusal> {
        let image = Image::read(bytes)?;
        let tables = self.tables(&image)?;
        let world = World::new(self, bytes, &image, &tables);
        Ok(Proof {
            statements: statements::all(&world),
        })
    }

    /// The names of the partitions that an image has, as far as they are text.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub fn partitions_in(&self, bytes: &[u8]) -> Result<Vec<String>, Refusal> {
        let tables = self.tables(&Image::read(bytes)?)?;
        let names = tables.partitions.iter().map(|one| {
            let name = one.own.name.iter().take_while(|byte| **byte != 0);
            let name: Vec<u8> = name.copied().collect();
            String::from_utf8_lossy(&name).escape_debug().to_string()
        });
        Ok(names.collect())
    }

    /// The names of the partitions that the file declares.
    pub fn partitions(&self) -> impl Iterator<Item = &str> {
        self.declared.partitions.iter().map(|one| one.name.as_str())
    }

    /// What an image consists of, each with its hash.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub fn items(&self, bytes: &[u8]) -> Result<Vec<Item>, Refusal> {
        let image = Image::read(bytes)?;
        let tables = self.tables(&image)?;
        let world = World::new(self, bytes, &image, &tables);
        Ok(statements::measured(&world))
    }

    fn tables(&self, image: &Image<'_>) -> Result<Tables, Refusal> {
        let segment = image.at(numbers::kernel::TABLES).ok_or_else(|| {
            Refusal::new("it is an ELF without tables: a program, or of another project")
        })?;
        Tables::read(segment.content)
    }
}
