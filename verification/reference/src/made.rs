//! What was done to the kernel, for the model to judge.

use cofferdam_abi::hypercall::Hypercall;
use cofferdam_machine::Outcome;

/// What was done.
pub struct Made {
    /// The partition that ran.
    pub actor: Option<u8>,
    /// Its hypercall, if it made one.
    pub call: Option<Called>,
}

/// A hypercall and its outcome.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    /// r11.
    pub token: u32,
    /// r3 to r8.
    pub arguments: [u32; 6],
    /// What came back.
    pub outcome: Outcome,
}

impl Called {
    /// Which hypercall it is, if there is one of that number.
    pub fn name(&self) -> Option<Hypercall> {
        Hypercall::from_token(self.token)
    }
}

impl Made {
    /// No hypercall, while this partition ran.
    pub fn nothing(actor: Option<u8>) -> Self {
        Self { actor, call: None }
    }

    /// A hypercall of this partition.
    pub fn call(actor: u8, token: u32, arguments: [u32; 6], outcome: Outcome) -> Self {
        let call = Called {
            token,
            arguments,
            outcome,
        };
        Self {
            actor: Some(actor),
            call: Some(call),
        }
    }
}
