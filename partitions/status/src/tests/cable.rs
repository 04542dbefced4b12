//! A cable between two network interfaces; the fuzz target `frames` has it too.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// One end of a cable.
#[derive(Clone, Default)]
pub struct Cable {
    /// Frames that are to be received here.
    pub comes: Rc<RefCell<VecDeque<Vec<u8>>>>,
    /// Frames that were sent here.
    pub goes: Rc<RefCell<VecDeque<Vec<u8>>>>,
}

impl Cable {
    /// The other end.
    pub fn other_end(&self) -> Self {
        Self {
            comes: self.goes.clone(),
            goes: self.comes.clone(),
        }
    }
}

/// A frame that came.
pub struct Came(Vec<u8>);
/// Leave to send one.
pub struct Goes(Rc<RefCell<VecDeque<Vec<u8>>>>);

impl phy::RxToken for Came {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for Goes {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}

impl Device for Cable {
    type RxToken<'a> = Came;
    type TxToken<'a> = Goes;

    fn receive(&mut self, _: Instant) -> Option<(Came, Goes)> {
        let frame = self.comes.borrow_mut().pop_front()?;
        Some((Came(frame), Goes(self.goes.clone())))
    }

    fn transmit(&mut self, _: Instant) -> Option<Goes> {
        Some(Goes(self.goes.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}
