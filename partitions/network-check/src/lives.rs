//! How the one that asks notices the lives of the driver, and leaves what it saw.

use evidence::seen;

use crate::{ASKER, Address};

/// So many answers in a life of the driver are enough to say so.
const ANSWERS_OF_LIFE: u32 = 20;

/// The lives of the driver, and the questions and answers of the present one.
#[derive(Debug, Default)]
pub struct Lives {
    number: u32,
    /// The client has its address.
    known: bool,
    asked: u32,
    answers: u32,
}

impl Lives {
    /// Looks at what the client has for an address. Whether a life is over.
    pub fn look(&mut self, address: Option<Address>) -> bool {
        match (self.known, address) {
            (false, Some(address)) => {
                self.known = true;
                self.number += 1;
                seen!("address.right", u32::from(address == ASKER));
                (self.asked, self.answers) = (0, 0);
                false
            }
            (true, None) => {
                self.known = false;
                seen!("driver.lost", self.number);
                seen!("asked", self.asked);
                seen!("unanswered", self.unanswered());
                true
            }
            _ => false,
        }
    }

    /// One more question was asked.
    pub const fn ask(&mut self) {
        self.asked += 1;
    }

    /// An answer came. Whether there are just enough to say so.
    pub fn answer(&mut self) -> bool {
        self.answers += 1;
        let enough = self.answers == ANSWERS_OF_LIFE;
        if enough {
            seen!("answered.in_life", self.number);
        }
        enough
    }

    /// How many questions have no answer yet.
    pub const fn unanswered(&self) -> u32 {
        self.asked.saturating_sub(self.answers)
    }
}
