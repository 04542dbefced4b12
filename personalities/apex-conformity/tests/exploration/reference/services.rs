//! The services of the reference: each one the shortest way to say what it does.

use cofferdam_apex::ReturnCode::{self, InvalidConfig, InvalidMode, InvalidParam, NoAction};
use cofferdam_apex_conformity::Call;

use super::{Expected, For, MS, Owns, Reference, Runs, Where};

impl Reference {
    /// Whoever runs makes a call.
    pub fn call(&mut self, call: Call) -> Expected {
        let answer = self.service(call);
        answer.unwrap_or_else(Expected::Refused)
    }

    fn service(&mut self, call: Call) -> Result<Expected, ReturnCode> {
        let fails = |fails: bool, code: ReturnCode| if fails { Err(code) } else { Ok(()) };
        let caller = match self.running() {
            Runs::Process(index) => Some(index),
            Runs::Handler | Runs::Nobody => None,
        };
        let mut message = None;
        match call {
            Call::StopSelf => match caller {
                Some(index) => self.stop(index),
                None => self.active = !self.errors.is_empty(),
            },
            Call::Stop { process } => {
                let index = self.other(process)?;
                fails(self.processes[index].at == Where::Dormant, NoAction)?;
                self.stop(index);
            }
            Call::Start { process } => self.start(process as usize - 1, 0)?,
            Call::DelayedStart { process, delay } => {
                self.start(process as usize - 1, delay / MS)?
            }
            Call::Suspend { process } => {
                let index = self.other(process)?;
                let one = &self.processes[index];
                let may = !matches!(
                    one.at,
                    Where::Dormant | Where::Faulted | Where::Waiting(For::Mutex)
                ) && one.created.period.is_none()
                    && one.owns.is_none();
                fails(!may, InvalidMode)?;
                fails(one.suspended, NoAction)?;
                if one.at == Where::Ready {
                    self.block(index, For::Resume, None);
                }
                self.processes[index].suspended = true;
            }
            Call::Resume { process } => {
                let index = self.other(process)?;
                let one = &self.processes[index];
                let faulted = one.at == Where::Faulted;
                fails(one.at == Where::Dormant, InvalidMode)?;
                fails(one.created.period.is_some() && !faulted, InvalidMode)?;
                fails(!one.suspended && !faulted, NoAction)?;
                self.processes[index].suspended = false;
                if faulted || self.processes[index].at == Where::Waiting(For::Resume) {
                    let stamp = self.newest();
                    self.ready(index, stamp);
                }
            }
            Call::SuspendSelf { time_out } => {
                let caller = self.may_wait()?;
                fails(self.processes[caller].created.period.is_some(), InvalidMode)?;
                if time_out != 0 {
                    self.wait(For::Resume, time_out)?;
                    self.processes[caller].suspended = true;
                    self.processes[caller].outcome = Ok(None);
                    return Ok(Expected::Waits);
                }
            }
            Call::SetPriority { process, priority } => {
                let index = process as usize - 1;
                let stamp = self.newest();
                let one = &mut self.processes[index];
                fails(one.at == Where::Dormant, InvalidMode)?;
                if one.owns.is_some() {
                    one.retained = priority;
                } else {
                    one.priority = priority;
                    if one.at == Where::Ready {
                        one.stamp = stamp;
                    }
                }
            }
            Call::TimedWait { delay } => {
                let caller = self.may_wait()?;
                if delay != 0 {
                    return self.wait(For::Delay, delay);
                }
                self.processes[caller].stamp = self.newest();
            }
            Call::PeriodicWait => {
                let caller = self.may_wait()?;
                let period = self.processes[caller].created.period.ok_or(InvalidMode)?;
                let release = self.processes[caller].release + period;
                self.processes[caller].release = release;
                self.deadline_behind(caller, release);
                if release > self.now {
                    self.block(caller, For::Release, Some(release));
                    return Ok(Expected::Waits);
                }
                self.processes[caller].stamp = self.newest();
                self.advance(self.now);
            }
            Call::Replenish { budget } => {
                let caller = caller.ok_or(NoAction)?;
                let one = &self.processes[caller];
                let deadline = (budget >= 0).then(|| self.now + budget / MS);
                if let Some(period) = one.created.period {
                    let next = one.release + period;
                    fails(deadline.is_none_or(|deadline| deadline > next), InvalidMode)?;
                }
                if one.created.capacity.is_some() {
                    self.set_deadline(caller, deadline);
                    self.advance(self.now);
                }
            }
            Call::LockPreemption => {
                let caller = caller.ok_or(NoAction)?;
                fails(
                    self.processes[caller].owns == Some(Owns::Mutex),
                    InvalidMode,
                )?;
                fails(
                    self.lock.is_some_and(|(owner, _)| owner != caller),
                    InvalidMode,
                )?;
                let level = self.lock.map_or(0, |(_, level)| level);
                fails(level == 16, InvalidConfig)?;
                if level == 0 {
                    self.own(caller, Owns::Lock);
                }
                self.lock = Some((caller, level + 1));
            }
            Call::UnlockPreemption => {
                let caller = caller.ok_or(NoAction)?;
                let (owner, level) = self.lock.ok_or(NoAction)?;
                fails(owner != caller, InvalidMode)?;
                self.lock = (level > 1).then_some((owner, level - 1));
                if level == 1 {
                    self.disown(caller);
                }
            }
            Call::WaitSemaphore { time_out, .. } => {
                if self.objects.semaphore == 0 {
                    return self.wait(For::Semaphore, time_out);
                }
                self.objects.semaphore -= 1;
            }
            Call::SignalSemaphore { .. } => {
                fails(self.objects.semaphore == 2, NoAction)?;
                match self.first(|what| what == For::Semaphore) {
                    Some(index) => self.wake(index, Ok(None)),
                    None => self.objects.semaphore += 1,
                }
            }
            Call::AcquireMutex { time_out, .. } => {
                let caller = caller.ok_or(InvalidMode)?;
                fails(self.processes[caller].owns == Some(Owns::Lock), InvalidMode)?;
                match self.mutex {
                    Some((owner, count)) if owner == caller => {
                        self.mutex = Some((owner, count + 1));
                    }
                    holder => {
                        let priority = self.processes[caller].priority;
                        fails(priority > self.objects.ceiling, InvalidMode)?;
                        if holder.is_some() {
                            return self.wait(For::Mutex, time_out);
                        }
                        self.mutex = Some((caller, 1));
                        self.own(caller, Owns::Mutex);
                    }
                }
            }
            Call::ReleaseMutex { .. } => {
                let caller = caller.ok_or(InvalidMode)?;
                match self.mutex {
                    Some((owner, 1)) if owner == caller => self.free_mutex(),
                    Some((owner, count)) if owner == caller => {
                        self.mutex = Some((owner, count - 1))
                    }
                    _ => return Err(InvalidMode),
                }
            }
            Call::ResetMutex { process, .. } => {
                let index = process as usize - 1;
                fails(
                    self.mutex.is_none_or(|(owner, _)| owner != index),
                    InvalidMode,
                )?;
                self.free_mutex();
            }
            Call::WaitEvent { time_out, .. } => {
                if !self.objects.event {
                    return self.wait(For::Event, time_out);
                }
            }
            Call::SetEvent { .. } => {
                self.objects.event = true;
                while let Some(index) = self.first(|what| what == For::Event) {
                    self.wake(index, Ok(None));
                }
            }
            Call::ResetEvent { .. } => self.objects.event = false,
            Call::SendBuffer {
                message, time_out, ..
            } => {
                if self.objects.buffer.len() == self.objects.buffer_depth {
                    return self.wait(For::ToSend(message[0]), time_out);
                }
                match self.first(|what| what == For::ToReceive) {
                    Some(index) => self.wake(index, Ok(Some(message[0]))),
                    None => self.objects.buffer.push_back(message[0]),
                }
            }
            Call::ReceiveBuffer { time_out, .. } => {
                message = self.objects.buffer.pop_front();
                if message.is_none() {
                    return self.wait(For::ToReceive, time_out);
                }
                if let Some(index) = self.first(|what| matches!(what, For::ToSend(_)))
                    && let Where::Waiting(For::ToSend(byte)) = self.processes[index].at
                {
                    self.objects.buffer.push_back(byte);
                    self.wake(index, Ok(None));
                }
            }
            Call::DisplayBlackboard { message, .. } => {
                self.objects.board = Some(message[0]);
                while let Some(index) = self.first(|what| what == For::Board) {
                    self.wake(index, Ok(Some(message[0])));
                }
            }
            Call::ClearBlackboard { .. } => self.objects.board = None,
            Call::ReadBlackboard { time_out, .. } => {
                message = self.objects.board;
                if message.is_none() {
                    return self.wait(For::Board, time_out);
                }
            }
            Call::SendQueuingMessage {
                message, time_out, ..
            } => {
                if self.objects.out.len() == self.objects.port_depth {
                    return self.wait(For::PortToSend(message[0]), time_out);
                }
                self.objects.out.push_back(message[0]);
            }
            Call::ReceiveQueuingMessage { time_out, .. } => {
                message = self.objects.into.pop_front();
                if message.is_none() {
                    return self.wait(For::PortToReceive, time_out);
                }
            }
            Call::RaiseApplicationError { .. } => match caller {
                Some(index) => {
                    self.error(index);
                }
                None => self.partition_errors += 1,
            },
            Call::GetErrorStatus => {
                fails(!self.active, InvalidConfig)?;
                self.errors.pop_front().ok_or(NoAction)?;
            }
            other => panic!("not in the reference: {other:?}"),
        }
        Ok(Expected::Done(message))
    }

    fn start(&mut self, index: usize, delay: i64) -> Result<(), ReturnCode> {
        let process = &mut self.processes[index];
        if process.at != Where::Dormant {
            return Err(NoAction);
        }
        if process.created.period.is_some_and(|period| delay >= period) {
            return Err(InvalidParam);
        }
        process.retained = process.created.priority;
        if process.owns.is_none() {
            process.priority = process.created.priority;
        }
        self.begin(index, delay);
        Ok(())
    }
}
