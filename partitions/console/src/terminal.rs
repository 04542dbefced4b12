//! The loop around a UART: partitions' lines to it, keys from it.

use cofferdam_ipc::Bytes;
use cofferdam_native::{Lines, Peer, QueuingDestination, QueuingSource, wait};
use embedded_io::{Read, ReadReady, Write, WriteReady};

use crate::{Input, Keys, Output, Uart};

/// The longest line of a partition.
pub const LINE_BYTES: usize = 96;
/// The most keys in one message.
pub const KEY_BYTES: usize = 16;
/// What waits for the UART at most.
const OUTPUT_BYTES: usize = 4096;

/// Whose lines are shown, as the build declares an array of ports.
pub type Logs = &'static [Peer<QueuingDestination<Bytes<LINE_BYTES>>>];
/// Who can have the keys.
pub type KeyPorts = &'static [Peer<QueuingSource<Bytes<KEY_BYTES>>>];

/// A UART, what waits for it, and who has the keys.
pub struct Terminal {
    uart: Uart,
    output: Output<OUTPUT_BYTES>,
    keys: Keys,
    logs: Logs,
    key_ports: KeyPorts,
    came: Lines,
}

impl Terminal {
    /// Nothing waits, and the first has the keys.
    pub fn new(uart: Uart, logs: Logs, key_ports: KeyPorts) -> Self {
        Self {
            uart,
            output: Output::new(),
            keys: Keys::new(key_ports.len()),
            logs,
            key_ports,
            came: Lines::NONE,
        }
    }

    /// The name of who can have the keys, by number.
    pub fn name(&self, number: usize) -> Option<&'static str> {
        self.key_ports.get(number).map(|peer| peer.name)
    }

    /// Appends a line.
    pub fn line(&mut self, name: &str, text: &[u8]) {
        self.output.line(name, text);
    }

    /// Takes the partitions' lines as long as there is room, and sends what the UART takes. What has no room stays in its queue.
    pub fn show(&mut self) {
        for peer in self.logs {
            while self.output.has_room(LINE_BYTES)
                && let Ok(Some(line)) = peer.port.receive()
            {
                self.output.line(peer.name, &line.message);
            }
        }
        while !self.output.is_empty() && self.uart.write_ready() == Ok(true) {
            let mut burst = [0; 16];
            let count = self.output.take(&mut burst);
            // A ready transmitter takes a burst of this size whole.
            let _ = self.uart.write_all(burst.get(..count).unwrap_or_default());
        }
    }

    /// Gives the keys that were pressed to who has them. The number of who has them from now on, when that changes; then there may be
    /// more keys.
    pub fn take_keys(&mut self) -> Option<usize> {
        // Whatever was pressed together goes in one message: a queue takes so many of these, and a line that is pasted has many keys.
        let mut pressed = heapless::Vec::<u8, KEY_BYTES>::new();
        let mut holder = 0;
        let mut switched = None;
        while switched.is_none() && self.uart.read_ready() == Ok(true) {
            let mut key = [0];
            let Ok(_) = self.uart.read(&mut key);
            match self.keys.pressed(key[0]) {
                Input::For(focus) => {
                    holder = focus;
                    // There is room: it is sent when there is none left.
                    let _ = pressed.push(key[0]);
                }
                Input::Switched(focus) => switched = Some(focus),
            }
            if pressed.is_full() {
                self.give(holder, &pressed);
                pressed.clear();
            }
        }
        if !pressed.is_empty() {
            self.give(holder, &pressed);
        }
        switched
    }

    /// A partition that does not read its keys loses them.
    fn give(&self, holder: usize, keys: &[u8]) {
        if let (Some(peer), Ok(message)) = (self.key_ports.get(holder), Bytes::try_from(keys)) {
            let _ = peer.port.send(&message);
        }
    }

    /// Waits for a line, a key, room in the UART, or one of `others`.
    pub fn wait(&mut self, others: Lines) {
        let interrupt = self.uart.interrupt().line();
        let logs = self.logs.iter();
        let lines = logs.fold(interrupt | others, |lines, peer| lines | peer.port.line());
        self.uart.ask_to_send(!self.output.is_empty());
        self.came = if self.came.has(interrupt) {
            self.uart.interrupt().acknowledge_and_wait(lines)
        } else {
            wait(lines)
        };
    }
}
