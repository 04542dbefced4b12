//! The calls that steer: schedules, partitions, the health log, oneself.

use cofferdam_abi::Status;
use cofferdam_abi::health::Error;
use cofferdam_abi::page::StartReason;
use cofferdam_abi::record::HealthRecord;
use cofferdam_tables::{Capability, CapabilityKind};
use zerocopy::IntoBytes;

use crate::kernel::Kernel;
use crate::machine::{Machine, Registers};
use crate::memory::Access;
use crate::partition::Activity;

/// A schedule capability with this right may set it.
const MAY_SET: u8 = 1;
/// A partition capability with this right may stop it.
const MAY_STOP: u8 = 1;
/// A partition capability with this right may restart it.
const MAY_RESTART: u8 = 2;

impl<M: Machine> Kernel<M> {
    /// What the caller has in a slot.
    #[inline]
    pub(crate) fn any_capability(&self, caller: u8, slot: u32) -> Result<Capability, Status> {
        self.partitions[caller]
            .capabilities
            .get(slot as usize)
            .copied()
            .ok_or(Status::NoCapability)
    }

    /// What the caller has in a slot, if it is of this kind.
    #[inline]
    pub(crate) fn capability(
        &self,
        caller: u8,
        slot: u32,
        kind: CapabilityKind,
    ) -> Result<Capability, Status> {
        let capability = self.any_capability(caller, slot)?;
        if capability.kind == kind {
            Ok(capability)
        } else {
            Err(Status::NoCapability)
        }
    }

    pub(crate) fn schedule_set(
        &mut self,
        caller: u8,
        slot: u32,
        schedule: u32,
    ) -> Result<(), Status> {
        let capability = self.capability(caller, slot, CapabilityKind::Schedule)?;
        if capability.rights & MAY_SET == 0 {
            return Err(Status::NotPermitted);
        }
        if schedule as usize >= self.configuration.schedules.len() {
            return Err(Status::Invalid);
        }
        self.clock.next_schedule = schedule as u8;
        Ok(())
    }

    pub(crate) fn schedule_status(&mut self, caller: u8, slot: u32) -> Result<[u32; 6], Status> {
        self.capability(caller, slot, CapabilityKind::Schedule)?;
        let frames = self.record.header.major_frames.get();
        let switched = self.clock.switched;
        Ok([
            u32::from(self.clock.schedule),
            u32::from(self.clock.next_schedule),
            (frames >> 32) as u32,
            frames as u32,
            (switched >> 32) as u32,
            switched as u32,
        ])
    }

    /// Stops or restarts another partition.
    pub(crate) fn partition_control(
        &mut self,
        caller: u8,
        slot: u32,
        action: u32,
    ) -> Result<(), Status> {
        let capability = self.capability(caller, slot, CapabilityKind::Partition)?;
        let (right, _) = life_change(action).ok_or(Status::Invalid)?;
        if capability.rights & right == 0 {
            return Err(Status::NotPermitted);
        }
        self.carry_out(capability.object, action);
        Ok(())
    }

    /// Stops or restarts the caller.
    pub(crate) fn self_control(&mut self, caller: u8, action: u32) -> Result<(), Status> {
        life_change(action).ok_or(Status::Invalid)?;
        self.carry_out(caller, action);
        Ok(())
    }

    fn carry_out(&mut self, partition: u8, action: u32) {
        match life_change(action) {
            Some((_, Some(reason))) => self.restart(partition, reason),
            _ => self.stop(partition),
        }
    }

    pub(crate) fn partition_status(&mut self, caller: u8, slot: u32) -> Result<[u32; 6], Status> {
        let partition = self
            .capability(caller, slot, CapabilityKind::Partition)?
            .object;
        let state = self.partitions[partition].activity.state();
        let time = self.processor_ticks(partition);
        let account = self.record.partition(partition);
        Ok([
            state as u32,
            account.epoch.get(),
            (time >> 32) as u32,
            time as u32,
            account.restarts.get(),
            account.health_events.get(),
        ])
    }

    /// Raises an error of the caller's own: `kind` is 0 for `application_error`, else the number of an error that a partition can cause, plus 1.
    pub(crate) fn health_raise(&mut self, caller: u8, detail: u32, kind: u32) -> Option<Status> {
        const LAST: u32 = Error::ApplicationError as u32 + 1;
        let number = if kind == 0 { LAST } else { kind };
        let error = (number <= LAST).then(|| Error::from_number(number as u8 - 1));
        let Some(error) = error.flatten() else {
            return Some(Status::Invalid);
        };
        self.partitions[caller]
            .registers
            .set_result(0, Status::Ok as u32);
        self.partition_error(caller, error, detail);
        None
    }

    /// Copies the next entry of the health log out.
    pub(crate) fn health_read(
        &mut self,
        caller: u8,
        slot: u32,
        address: u32,
    ) -> Result<(), Status> {
        self.capability(caller, slot, CapabilityKind::HealthLog)?;
        let to = self.buffer(
            caller,
            address,
            size_of::<HealthRecord>() as u32,
            Access::Write,
        )?;
        let cursor = self.partitions[caller].health_cursor;
        let entry = *self.record.health(cursor).ok_or(Status::Again)?;
        self.partitions[caller].health_cursor = entry.sequence.get().wrapping_add(1);
        for (index, word) in entry.as_bytes().chunks_exact(4).enumerate() {
            let word = word.try_into().map_or(0, u32::from_be_bytes);
            self.machine.write_word(to + 4 * index as u32, word);
        }
        Ok(())
    }

    /// The caller's own processor time until now.
    pub(crate) fn processor_time(&mut self, caller: u8) -> [u32; 2] {
        self.account_out_of_line();
        let time = self.processor_ticks(caller);
        [(time >> 32) as u32, time as u32]
    }

    /// `wait`: the lines that end it, if there are any now.
    pub(crate) fn wait(&mut self, caller: u8, acknowledge: u32) -> Option<Status> {
        if acknowledge != 0
            && let Err(status) = self.acknowledge(caller, acknowledge - 1)
        {
            return Some(status);
        }
        let lines = self.pending_lines(caller);
        if lines == 0 {
            self.set_activity(caller, Activity::Waiting);
            return None;
        }
        self.results(caller, [lines]);
        Some(Status::Ok)
    }
}

/// The right that an action needs, and the reason of a start if it is one.
fn life_change(action: u32) -> Option<(u8, Option<StartReason>)> {
    match action {
        0 => Some((MAY_STOP, None)),
        1 => Some((MAY_RESTART, Some(StartReason::Cold))),
        2 => Some((MAY_RESTART, Some(StartReason::Warm))),
        _ => None,
    }
}
