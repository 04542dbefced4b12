//! The test of the prover: images with something changed, thousands of them, and a count of what is found.
//!
//! [`Class`] says which ways of changing there are; `changes` makes every mutant of each. A mutant is **refused** when it is no image any
//! more, **found** when a statement does not hold, or it **survives**. A survivor is good only if `argued` can say, from what the decoder finds
//! to be different, why no property of the image is another one; what it cannot say so of fails the test.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::Prover;
use crate::statements::Statement;

mod argued;
mod changes;
mod raw;

/// So many survivors that nobody argues are told.
const TOLD: usize = 20;

/// A way to change an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A bit of the ELF's head or program headers is flipped.
    HeadBits,
    /// The file ends early, or goes on behind its end.
    Length,
    /// A bit of the tables is flipped.
    TableBits,
    /// A bit of the tables is flipped, and their checksum made right.
    SealedBits,
    /// A field of a record has another value, and the checksum is made right.
    Fields,
    /// A record is missing, there twice, or elsewhere.
    Records,
    /// A segment is elsewhere, longer, shorter, has other rights, is missing or there twice, and the file has its form.
    Segments,
    /// A region, with the entries of TLB1 and the segment that belong to it, leads to frames of somebody else.
    Moved,
    /// A region, with the entries of TLB1 that belong to it, has another right.
    Rights,
    /// A region, with the entries of TLB1 and the segment that belong to it, is four times as large.
    Grown,
    /// A bit of code or data of the kernel or a program is flipped.
    ContentBits,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::HeadBits,
        Self::Length,
        Self::TableBits,
        Self::SealedBits,
        Self::Fields,
        Self::Records,
        Self::Segments,
        Self::Moved,
        Self::Rights,
        Self::Grown,
        Self::ContentBits,
    ];

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::HeadBits => "a bit of the ELF's head or program headers",
            Self::Length => "the file shorter or longer",
            Self::TableBits => "a bit of the tables",
            Self::SealedBits => "a bit of the tables, with a right checksum",
            Self::Fields => "a field of a record",
            Self::Records => "a record missing, twice, or elsewhere",
            Self::Segments => "a segment elsewhere, of another size or with other rights",
            Self::Moved => "a region, consistently, onto frames of somebody else",
            Self::Rights => "a region, consistently, with another right",
            Self::Grown => "a region, consistently, four times as large",
            Self::ContentBits => "a bit of code or data",
        }
    }
}

/// What came of the mutants of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// So many there are.
    pub possible: u64,
    /// So many were tried.
    pub tried: u64,
    /// They were no image any more.
    pub refused: u64,
    /// A statement did not hold.
    pub found: u64,
    /// By the first statement that did not hold.
    pub found_by: BTreeMap<String, u64>,
    /// No property is another one: by the reason.
    pub argued: BTreeMap<&'static str, u64>,
    /// Nobody can say why they hold.
    pub survived: u64,
}

/// What came of all mutants of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// By the class.
    pub classes: BTreeMap<Class, Count>,
    /// The first survivors that nobody argues, in words.
    pub survivors: Vec<String>,
}

impl Score {
    /// Every mutant was refused, found, or argued.
    pub fn is_whole(&self) -> bool {
        self.classes.values().all(|count| count.survived == 0)
    }

    /// Adds the score of another image.
    pub fn add(&mut self, other: Self) {
        for (class, count) in other.classes {
            let sum = self.classes.entry(class).or_default();
            sum.possible += count.possible;
            sum.tried += count.tried;
            sum.refused += count.refused;
            sum.found += count.found;
            sum.survived += count.survived;
            for (id, found) in count.found_by {
                *sum.found_by.entry(id).or_default() += found;
            }
            for (reason, argued) in count.argued {
                *sum.argued.entry(reason).or_default() += argued;
            }
        }
        self.survivors.extend(other.survivors);
        self.survivors.truncate(TOLD);
    }
}

impl fmt::Display for Score {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| what is changed | mutants | refused | found | argued | survived |"
        )?;
        writeln!(formatter, "|---|---|---|---|---|---|")?;
        let mut sum = [0; 5];
        for (class, count) in &self.classes {
            let argued = count.argued.values().sum();
            let row = [
                count.tried,
                count.refused,
                count.found,
                argued,
                count.survived,
            ];
            for (sum, one) in sum.iter_mut().zip(row) {
                *sum += one;
            }
            let [tried, refused, found, argued, survived] = row;
            let what = class.text();
            writeln!(
                formatter,
                "| {what} | {tried} | {refused} | {found} | {argued} | {survived} |"
            )?;
        }
        let [tried, refused, found, argued, survived] = sum;
        writeln!(
            formatter,
            "| all | {tried} | {refused} | {found} | {argued} | {survived} |"
        )
    }
}

/// Tries at most so many mutants of each class on an image that is proved, spread over all that there are.
///
/// # Errors
/// If the image itself is not proved: then a mutant shows nothing.
pub fn campaign(prover: &Prover, image: &[u8], most: u64) -> Result<Score, crate::Refusal> {
    let proof = prover.prove(image)?;
    if let Some(wrong) = proof.statements.iter().find(|one| !one.holds()) {
        let first = wrong.failures.first().cloned().unwrap_or_default();
        return Err(crate::Refusal::new(format!(
            "the image is not proved: {}: {first}",
            wrong.id
        )));
    }
    let mut possible = BTreeMap::new();
    changes::each(prover, image, &mut |class, _| {
        *possible.entry(class).or_default() += 1
    })?;
    let mut score = Score::default();
    let mut seen: BTreeMap<Class, u64> = BTreeMap::new();
    changes::each(prover, image, &mut |class, make| {
        let all = possible.get(&class).copied().unwrap_or(1u64);
        // An odd step meets every bit of the bytes that it passes.
        let step = if all <= most {
            1
        } else {
            (all / most.max(1)) | 1
        };
        let place = seen.entry(class).or_default();
        *place += 1;
        let count = score.classes.entry(class).or_default();
        count.possible = all;
        if !(*place - 1).is_multiple_of(step) {
            return;
        }
        let (what, mutant) = make();
        if mutant == image {
            return;
        }
        count.tried += 1;
        let wrong = match prover.prove(&mutant) {
            Err(_) => {
                count.refused += 1;
                return;
            }
            Ok(proof) => proof
                .statements
                .into_iter()
                .find(|one: &Statement| !one.holds()),
        };
        if let Some(wrong) = wrong {
            count.found += 1;
            *count.found_by.entry(wrong.id).or_default() += 1;
        } else if let Some(reason) = argued::reason(prover, image, &mutant) {
            *count.argued.entry(reason).or_default() += 1;
        } else {
            count.survived += 1;
            if score.survivors.len() < TOLD {
                score.survivors.push(what);
            }
        }
    })?;
    Ok(score)
}
