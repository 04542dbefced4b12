//! Multiple module schedules (ARINC 653 Part 2): a change of the module's schedule at the end of the major frame.

use crate::code::{ReturnCode, require};
use crate::environment::Environment;
use crate::limits::Limits;
use crate::name::Name;
use crate::partition::Partition;
use crate::{OperatingMode, ScheduleId, SystemTime};

/// The answer of `GET_MODULE_SCHEDULE_STATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScheduleStatus {
    /// When the schedule in force began; 0 if there was none before it.
    pub time_of_last_switch: SystemTime,
    /// The one in force.
    pub current: ScheduleId,
    /// The one that comes next; the one in force if no change was asked for.
    pub next: ScheduleId,
}

impl<E: Environment, L: Limits> Partition<E, L> {
    /// `SET_MODULE_SCHEDULE`.
    ///
    /// # Errors
    /// INVALID_PARAM: no such schedule. INVALID_CONFIG: the partition may not. NO_ACTION: it is in force, and no other was asked for.
    pub fn set_module_schedule(&mut self, schedule: ScheduleId) -> Result<(), ReturnCode> {
        let index = schedule
            .index(self.facts.schedules.len())
            .ok_or(ReturnCode::InvalidParam)?;
        require(self.facts.may_set_schedule, ReturnCode::InvalidConfig)?;
        let state = self.environment.schedule_state();
        require(
            index != state.current || index != state.next,
            ReturnCode::NoAction,
        )?;
        self.environment.set_schedule(index);
        Ok(())
    }

    /// `GET_MODULE_SCHEDULE_STATUS`.
    pub fn get_module_schedule_status(&mut self) -> ScheduleStatus {
        let state = self.environment.schedule_state();
        ScheduleStatus {
            time_of_last_switch: self.clock.system_time(state.switched),
            current: ScheduleId::of(state.current),
            next: ScheduleId::of(state.next),
        }
    }

    /// At the partition's first release in a schedule that has come into force it does what the configuration says (`ScheduleChangeAction`), as if it set that
    /// mode itself.
    pub(crate) fn look_at_schedule(&mut self) {
        let state = self.environment.schedule_state();
        if state.switched == self.schedule_began {
            return;
        }
        self.schedule_began = state.switched;
        let action = self.facts.schedule_changes.get(state.current);
        let mode = match (action.copied().flatten(), self.mode) {
            // There is nothing yet that a warm start could keep.
            (Some(OperatingMode::WarmStart), OperatingMode::ColdStart) => OperatingMode::ColdStart,
            (Some(mode), _) => mode,
            (None, _) => return,
        };
        self.environment.mode_changed(mode);
        self.end(mode);
    }

    /// `GET_MODULE_SCHEDULE_ID`.
    ///
    /// # Errors
    /// INVALID_CONFIG: no such name.
    pub fn get_module_schedule_id(&self, name: &Name) -> Result<ScheduleId, ReturnCode> {
        self.facts
            .schedules
            .iter()
            .position(|schedule| schedule == name)
            .map(ScheduleId::of)
            .ok_or(ReturnCode::InvalidConfig)
    }
}
