//! Sampling, queuing and signal channels.
//!
//! The kernel keeps the messages in RAM that no partition has. A message is copied in and copied out whole, with
//! nothing in between, so that a reader never sees half of one.

use cofferdam_abi::Status;
use cofferdam_abi::record::TraceKind;
use cofferdam_tables::{CapabilityKind, Channel, ChannelKind, End};

use crate::configuration::ChannelTables;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::memory::Access;

/// The state of a sampling or queuing channel.
pub(crate) struct Message {
    /// Sampling: the length of the value, 0 if there is none. Queuing: the messages held.
    count: u32,
    /// Queuing: the place of the oldest message.
    first: u32,
    /// Sampling: when the value was written.
    written: u64,
    /// Messages written, ever.
    sequence: u32,
    /// Queuing: a message was refused since the last receive.
    lost: bool,
}

impl Message {
    pub(crate) const EMPTY: Self = Self {
        count: 0,
        first: 0,
        written: 0,
        sequence: 0,
        lost: false,
    };
}

/// The distance of the places of a queue: a length word and the message.
fn place_bytes(channel: &Channel) -> u32 {
    4 + channel.message_bytes.next_multiple_of(4)
}

impl<M: Machine> Kernel<M> {
    /// The tables of a channel.
    #[inline]
    pub(crate) fn channel(&self, channel: u8) -> Result<&'static ChannelTables, Status> {
        self.configuration
            .channels
            .get(usize::from(channel))
            .ok_or(Status::NoCapability)
    }

    /// Copies a value into a sampling channel, in place of the one before.
    pub(crate) fn sampling_write(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        length: u32,
    ) -> Result<(), Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::SamplingSource)?
            .object;
        let tables = self.channel(index)?;
        if length == 0 || length > tables.own.message_bytes {
            return Err(Status::Invalid);
        }
        let from = self.buffer(caller, address, length, Access::Read)?;
        self.machine.copy(from, tables.own.store, length);
        let now = self.machine.now();
        let message = &mut self.messages[index];
        message.count = length;
        message.written = now;
        message.sequence = message.sequence.wrapping_add(1);
        let sequence = message.sequence;
        self.record.trace(
            now,
            TraceKind::MessageOut,
            caller,
            u16::from(index),
            length,
            sequence,
        );
        self.raise_destinations(tables);
        Ok(())
    }

    /// Copies a sampling channel's value out: its length, whether it is young enough, its age in ticks, and the tick at which it was written.
    pub(crate) fn sampling_read(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        capacity: u32,
    ) -> Result<[u32; 6], Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::SamplingDestination)?
            .object;
        let tables = self.channel(index)?;
        let length = self.messages[index].count;
        if length == 0 {
            return Err(Status::Again);
        }
        if length > capacity {
            return Err(Status::Overflow);
        }
        let to = self.buffer(caller, address, length, Access::Write)?;
        self.machine.copy(tables.own.store, to, length);
        let now = self.machine.now();
        let written = self.messages[index].written;
        let age = now.wrapping_sub(written);
        let valid = tables.own.refresh_ticks == 0 || age <= tables.own.refresh_ticks;
        let sequence = self.messages[index].sequence;
        self.record.trace(
            now,
            TraceKind::MessageIn,
            caller,
            u16::from(index),
            length,
            sequence,
        );
        Ok([
            length,
            u32::from(valid),
            (age >> 32) as u32,
            age as u32,
            (written >> 32) as u32,
            written as u32,
        ])
    }

    /// Appends a message to a queue. `again`: a sender that is refused waits and tries again, so that nothing is lost by it.
    pub(crate) fn queuing_send(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        length: u32,
        again: bool,
    ) -> Result<(), Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::QueuingSource)?
            .object;
        let tables = self.channel(index)?;
        if length == 0 || length > tables.own.message_bytes {
            return Err(Status::Invalid);
        }
        let from = self.buffer(caller, address, length, Access::Read)?;
        let message = &mut self.messages[index];
        if message.count >= tables.own.depth {
            message.lost |= !again;
            return Err(Status::Again);
        }
        let mut place = message.first + message.count;
        if place >= tables.own.depth {
            place -= tables.own.depth;
        }
        message.count += 1;
        message.sequence = message.sequence.wrapping_add(1);
        let sequence = message.sequence;
        let to = tables.own.store + place * place_bytes(&tables.own);
        self.machine.write_word(to, length);
        self.machine.copy(from, to + 4, length);
        self.trace_message(TraceKind::MessageOut, caller, index, length, sequence);
        self.raise_destinations(tables);
        Ok(())
    }

    /// Takes the oldest message of a queue: its length, how many are left, whether some were refused since.
    pub(crate) fn queuing_receive(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
        capacity: u32,
    ) -> Result<[u32; 3], Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::QueuingDestination)?
            .object;
        let tables = self.channel(index)?;
        let (count, first) = (self.messages[index].count, self.messages[index].first);
        if count == 0 {
            return Err(Status::Again);
        }
        let from = tables.own.store + first * place_bytes(&tables.own);
        let length = self.machine.read_word(from).min(tables.own.message_bytes);
        if length > capacity {
            return Err(Status::Overflow);
        }
        let to = self.buffer(caller, address, length, Access::Write)?;
        self.machine.copy(from + 4, to, length);
        let message = &mut self.messages[index];
        message.first = if first + 1 >= tables.own.depth {
            0
        } else {
            first + 1
        };
        message.count = count - 1;
        let lost = core::mem::take(&mut message.lost);
        let sequence = message.sequence.wrapping_sub(count - 1);
        self.trace_message(TraceKind::MessageIn, caller, index, length, sequence);
        if count == tables.own.depth {
            self.raise_source(tables);
        }
        Ok([length, count - 1, u32::from(lost)])
    }

    pub(crate) fn trace_message(
        &mut self,
        kind: TraceKind,
        partition: u8,
        channel: u8,
        length: u32,
        sequence: u32,
    ) {
        if cfg!(feature = "trace") {
            let now = self.machine.now();
            self.record
                .trace(now, kind, partition, u16::from(channel), length, sequence);
        }
    }

    /// Rings the other end's doorbell.
    #[inline(always)]
    pub(crate) fn signal(&mut self, caller: u8, slot: u32) -> Result<(), Status> {
        let index = self
            .capability(caller, slot, CapabilityKind::Signal)?
            .object;
        let peer = self.calls[index].peer_of(caller);
        self.raise(peer.partition, peer.line);
        Ok(())
    }

    /// The epoch of the peer, 0 while it is stopped; the messages held, the depth, and the largest message.
    pub(crate) fn channel_status(&mut self, caller: u8, slot: u32) -> Result<[u32; 4], Status> {
        let capability = self.any_capability(caller, slot)?;
        use CapabilityKind as Kind;
        match capability.kind {
            Kind::SamplingSource | Kind::SamplingDestination | Kind::QueuingSource => {}
            Kind::QueuingDestination | Kind::CallClient | Kind::CallServer | Kind::Signal => {}
            _ => return Err(Status::NoCapability),
        }
        let index = capability.object;
        let tables = self.channel(index)?;
        let mut ends = tables.ends.of(&self.configuration.ends).iter();
        let peer = (ends.find(|end| end.partition != caller))
            .filter(|peer| !self.partitions[peer.partition].is_gone());
        let epoch = peer.map_or(0, |peer| self.record.partition(peer.partition).epoch.get());
        let held = match tables.own.kind {
            ChannelKind::Sampling => u32::from(self.messages[index].count != 0),
            ChannelKind::Queuing => self.messages[index].count,
            ChannelKind::Call => u32::from(self.calls[index].is_open()),
            ChannelKind::Ring | ChannelKind::Signal => 0,
        };
        Ok([epoch, held, tables.own.depth, tables.own.message_bytes])
    }

    #[inline]
    fn raise_destinations(&mut self, tables: &'static ChannelTables) {
        if tables.quiet {
            return;
        }
        for end in tables.ends.of(&self.configuration.ends).iter().skip(1) {
            self.raise(end.partition, end.line);
        }
    }

    fn raise_source(&mut self, tables: &'static ChannelTables) {
        if let Some(End { partition, line }) =
            tables.ends.of(&self.configuration.ends).first().copied()
        {
            self.raise(partition, line);
        }
    }

    /// Takes a partition whose life has ended out of a channel: what was queued for it is dropped, requests under way come
    /// to an end.
    pub(crate) fn leave_channel(&mut self, partition: u8, index: u8) {
        let Ok(tables) = self.channel(index) else {
            return;
        };
        let ends = tables.ends.of(&self.configuration.ends);
        let source = ends.first().is_some_and(|end| end.partition == partition);
        match tables.own.kind {
            ChannelKind::Queuing if !source => {
                let message = &mut self.messages[index];
                let was_full = message.count == tables.own.depth;
                (message.count, message.first, message.lost) = (0, 0, false);
                if was_full {
                    self.raise_source(tables);
                }
            }
            ChannelKind::Call if source => self.client_left(index),
            ChannelKind::Call => self.server_left(index),
            _ => {}
        }
    }

    /// Tells the peers on a channel of a partition's new life, by their lines: a peer may watch any channel that they share.
    pub(crate) fn announce(&mut self, partition: u8, index: u8) {
        let Ok(tables) = self.channel(index) else {
            return;
        };
        let ends = tables.ends.of(&self.configuration.ends).iter();
        for end in ends.filter(|end| end.partition != partition) {
            self.raise(end.partition, end.line);
        }
    }
}
