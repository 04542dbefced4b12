//! What is counted, given the instructions one after the other.
//!
//! * **Excursions**: from a user instruction into the kernel and back to a user instruction. The count is that of the kernel's
//!   instructions in between: vector, save, work, restore and the return from interrupt; the trapping instruction is the
//!   user's. Excursions are keyed by the last user instruction before, the first kernel instruction, the first user
//!   instruction after, and the counts, so that a path which always costs the same is one line.
//! * **Between** two given addresses, each time from the first up to, and not counting, the second; how much of that is
//!   the kernel's; how often some events came in it: instructions at given addresses, or system calls at these; and, if that
//!   is wanted, the steps.
//! * **Interrupts off**: the longest run of kernel instructions with external interrupts disabled. Every interrupt vector
//!   disables them; `wrteei` changes that, and the return to user level ends it (interrupts are always enabled there).
//!   An arrival at a vector out of the kernel shows that they were enabled before it, and so does its return.
//! * **Boot**: what runs before the first user instruction.
//!
//! Of each kind of excursion, and of the longest run, the steps are kept as well: where each instruction of the first one lay.
//!
//! A branch to itself is how the kernel waits for an interrupt: it is not work, and is not counted. Interrupts are on there,
//! or it would wait for ever.
//!
//! Two figures are given for each: instructions, and register transfers, where `lmw` and `stmw` count once per register and
//! everything else once. The emulator counts `stmw r13` as one instruction, which stores 19 registers; the second figure is
//! the honest one beside kernels that save registers one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::ops::Range;

/// What to count.
#[derive(Debug, Default)]
pub struct Settings {
    /// The effective addresses of the kernel's text; user code lies elsewhere.
    pub kernel: Range<u32>,
    /// Where interrupts enter it.
    pub vectors: BTreeSet<u32>,
    /// Pairs of addresses to count between.
    pub between: Vec<(u32, u32)>,
    /// What is counted besides between them: at most [`EVENTS`].
    pub events: Vec<Event>,
    /// Count nothing else. A guest's kernel has so many ways into ours that a list of all of them has no end.
    pub only_between: bool,
    /// These addresses are physical ones, so that they are of one partition.
    pub physical: bool,
    /// Keep the steps of what is counted between two addresses.
    pub steps_between: bool,
}

/// What has more steps than this between two addresses is given up, if they are kept: so the emulator is fast again where nothing is walked.
const STEPS_BETWEEN: usize = 1 << 17;

/// The most events that can be counted.
pub const EVENTS: usize = 4;

/// Something that is counted whenever it comes.
#[derive(Debug)]
pub struct Event {
    /// An instruction at these effective addresses.
    pub at: Range<u32>,
    /// Only if it is a system call.
    pub calls: bool,
}

impl Settings {
    /// Takes one setting of the plugin's command line.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        if key == "vector" {
            let at = hexadecimal(value)
                .ok_or_else(|| format!("{key}={value}: a hexadecimal address is expected"))?;
            self.vectors.insert(at);
            return Ok(());
        }
        if (key, value) == ("only", "between") {
            self.only_between = true;
            return Ok(());
        }
        if (key, value) == ("places", "physical") {
            self.physical = true;
            return Ok(());
        }
        if (key, value) == ("steps", "between") {
            self.steps_between = true;
            return Ok(());
        }
        let Range {
            start: low,
            end: high,
        } = range(key, value)?;
        match key {
            "kernel" => self.kernel = low..high,
            "between" => self.between.push((low, high)),
            "event" | "calls" if self.events.len() == EVENTS => {
                return Err(format!("{key}={value}: there are {EVENTS} events already"));
            }
            "event" | "calls" => self.events.push(Event {
                at: low..high,
                calls: key == "calls",
            }),
            _ => {
                return Err(format!(
                    "unknown setting {key}; there are out, kernel, vector, between, event, calls, only=between, steps=between and places=physical"
                ));
            }
        }
        Ok(())
    }
}

impl Settings {
    /// The address by which something begins or ends to be counted.
    fn end(&self, place: Place) -> u32 {
        if self.physical {
            place.physical
        } else {
            place.effective
        }
    }
}

/// The addresses that a setting gives.
pub fn range(key: &str, value: &str) -> Result<Range<u32>, String> {
    let ends = value.split_once('-');
    let ends = ends.and_then(|(low, high)| Some(hexadecimal(low)?..hexadecimal(high)?));
    ends.ok_or_else(|| format!("{key}={value}: two hexadecimal addresses LO-HI are expected"))
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

/// `b .` (EREF, table A-1).
const BRANCH_TO_ITSELF: u32 = 0x4800_0000;

/// `sc` (EREF, table A-1).
const SYSTEM_CALL: u32 = 0x4400_0002;

/// What matters about one instruction at one place.
#[derive(Debug)]
pub struct Instruction {
    place: Place,
    transfers: u32,
    kind: Kind,
    /// Something begins or ends to be counted here.
    mark: bool,
    /// Which events it is.
    events: [bool; EVENTS],
}

/// Where an instruction lies. Partitions share effective addresses, and differ in physical ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Effective address.
    pub effective: u32,
    /// Physical address.
    pub physical: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Vector,
    EnableInterrupts,
    DisableInterrupts,
    ReturnFromInterrupt,
    Waiting,
    OtherKernel,
}

impl Instruction {
    /// Decodes `word`, which lies at these addresses.
    pub fn new(settings: &Settings, effective: u32, physical: u32, word: u32) -> Self {
        let primary = word >> 26;
        let extended = (word >> 1) & 0x3ff;
        let kind = if !settings.kernel.contains(&effective) {
            Kind::User
        } else if word == BRANCH_TO_ITSELF {
            Kind::Waiting
        } else if settings.vectors.contains(&effective) {
            Kind::Vector
        } else {
            match (primary, extended) {
                // wrteei, whose E bit is the new value of MSR[EE].
                (31, 163) if word & 0x8000 != 0 => Kind::EnableInterrupts,
                (31, 163) => Kind::DisableInterrupts,
                // mtmsr: once it runs partitions, the kernel writes its machine state only to let interrupts in.
                (31, 146) => Kind::EnableInterrupts,
                (19, 50) => Kind::ReturnFromInterrupt,
                _ => Kind::OtherKernel,
            }
        };
        // lmw and stmw move registers rD (or rS) to r31.
        let transfers = if matches!(primary, 46 | 47) {
            32 - ((word >> 21) & 31)
        } else {
            1
        };
        let mut events = [false; EVENTS];
        for (is, event) in events.iter_mut().zip(&settings.events) {
            *is = event.at.contains(&effective) && (!event.calls || word == SYSTEM_CALL);
        }
        let mut ends = settings.between.iter();
        let place = Place {
            effective,
            physical,
        };
        let end = settings.end(place);
        Self {
            place,
            transfers,
            kind,
            mark: ends.any(|&(first, last)| end == first || end == last),
            events,
        }
    }
}

impl Instruction {
    /// Whether something begins or ends to be counted here.
    #[allow(dead_code)] // The tests have no use for it.
    pub fn is_mark(&self) -> bool {
        self.mark
    }
}

/// Two figures for one stretch of code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Instructions executed.
    pub instructions: u64,
    /// The same, with `lmw` and `stmw` counted once per register.
    pub register_transfers: u64,
}

impl Cost {
    fn add(&mut self, instruction: &Instruction) {
        if instruction.kind == Kind::Waiting {
            return;
        }
        self.instructions += 1;
        self.register_transfers += u64::from(instruction.transfers);
    }
}

/// What ran between two addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Between {
    all: Cost,
    /// That part of it.
    kernel: Cost,
    /// How often each event came.
    events: [u32; EVENTS],
}

/// A kind of excursion into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excursion {
    /// The last user instruction before.
    pub from: Place,
    /// The first kernel instruction: the vector.
    pub vector: u32,
    /// The first user instruction after.
    pub to: Place,
    /// What the kernel executed.
    pub cost: Cost,
}

/// The excursions of one kind, or what ran between two addresses and was the same.
#[derive(Debug)]
struct Samples {
    count: u64,
    /// Of the first of them.
    steps: Vec<u32>,
}

/// A run of instructions with interrupts disabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Its first instruction.
    pub first: u32,
    /// Its last instruction.
    pub last: u32,
    /// Its cost.
    pub cost: Cost,
}

/// The counts so far.
#[derive(Debug, Default)]
pub struct Counts {
    settings: Settings,
    boot: Cost,
    /// The last user instruction; `None` during boot.
    last_user: Option<Place>,
    /// The vector and cost of the excursion under way.
    excursion: Option<(u32, Cost)>,
    excursions: BTreeMap<Excursion, Samples>,
    /// Where each instruction of the excursion under way lay.
    steps: Vec<u32>,
    /// For each pair of `settings.between`: the cost so far, if between them.
    between: Vec<Option<Between>>,
    betweens: BTreeMap<(usize, Between), Samples>,
    /// For each pair: where each instruction lay so far, if that is kept.
    steps_between: Vec<Vec<u32>>,
    /// Which of them are not `None`.
    under_way: Vec<usize>,
    /// The run with interrupts disabled that is under way, and where in the excursion's steps it began.
    run: Option<(Run, usize)>,
    longest: Run,
    longest_steps: Vec<u32>,
    previous: Option<Kind>,
}

impl Counts {
    /// Nothing counted.
    pub fn new(settings: Settings) -> Self {
        Self {
            between: vec![None; settings.between.len()],
            steps_between: vec![Vec::new(); settings.between.len()],
            settings,
            ..Self::default()
        }
    }

    /// What is counted.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether no instruction counts but one at which something begins to be counted.
    #[allow(dead_code)] // As above.
    pub fn is_idle(&self) -> bool {
        self.settings.only_between && self.under_way.is_empty()
    }

    /// Takes note of the next instruction executed.
    pub fn execute(&mut self, instruction: &Instruction) {
        self.count_between(instruction);
        if self.settings.only_between {
            return;
        }
        if instruction.kind == Kind::User {
            self.user(instruction.place);
        } else {
            self.kernel(instruction);
        }
        self.previous = Some(instruction.kind);
    }

    fn user(&mut self, place: Place) {
        if let (Some(from), Some((vector, cost))) = (self.last_user, self.excursion.take()) {
            let excursion = Excursion {
                from,
                vector,
                to: place,
                cost,
            };
            let first = || Samples {
                count: 0,
                steps: self.steps.clone(),
            };
            self.excursions.entry(excursion).or_insert_with(first).count += 1;
        }
        self.end_run();
        self.steps.clear();
        self.last_user = Some(place);
    }

    fn kernel(&mut self, instruction: &Instruction) {
        if self.last_user.is_none() {
            // Interrupts-off time during boot delays nobody: no partition runs yet.
            self.boot.add(instruction);
            return;
        }
        if instruction.kind == Kind::Waiting {
            return self.end_run();
        }
        let address = instruction.place.effective;
        self.excursion
            .get_or_insert((address, Cost::default()))
            .1
            .add(instruction);
        if self.previous == Some(Kind::User) || instruction.kind == Kind::Vector {
            self.end_run();
            self.begin_run(address);
        } else if self.previous == Some(Kind::ReturnFromInterrupt) {
            self.end_run();
        }
        self.steps.push(address);
        if let Some((run, _)) = &mut self.run {
            run.last = address;
            run.cost.add(instruction);
        }
        match instruction.kind {
            Kind::EnableInterrupts => self.end_run(),
            Kind::DisableInterrupts if self.run.is_none() => self.begin_run(address),
            _ => {}
        }
    }

    /// The next instruction that is a step is the first of a run.
    fn begin_run(&mut self, first: u32) {
        let run = Run {
            first,
            ..Run::default()
        };
        self.run = Some((run, self.steps.len()));
    }

    fn end_run(&mut self) {
        if let Some((run, began)) = self.run.take()
            && run.cost > self.longest.cost
        {
            self.longest = run;
            self.longest_steps = self.steps.get(began..).unwrap_or_default().to_vec();
        }
    }

    fn count_between(&mut self, instruction: &Instruction) {
        if instruction.mark {
            self.pass_mark(self.settings.end(instruction.place));
        }
        for &index in &self.under_way {
            let Some(between) = &mut self.between[index] else {
                continue;
            };
            between.all.add(instruction);
            if self.settings.steps_between && instruction.kind != Kind::Waiting {
                self.steps_between[index].push(instruction.place.effective);
            }
            if instruction.kind != Kind::User {
                between.kernel.add(instruction);
            }
            for (count, came) in between.events.iter_mut().zip(instruction.events) {
                *count += u32::from(came);
            }
        }
        let too_long = |one: &usize| self.steps_between[*one].len() > STEPS_BETWEEN;
        if let Some(index) = self.under_way.iter().copied().find(too_long) {
            self.between[index] = None;
            self.under_way.retain(|one| *one != index);
            self.steps_between[index].clear();
        }
    }

    fn pass_mark(&mut self, address: u32) {
        for (index, &(first, end)) in self.settings.between.iter().enumerate() {
            let place = &mut self.between[index];
            if address == end
                && let Some(between) = place.take()
            {
                let first = || Samples {
                    count: 0,
                    steps: self.steps_between[index].clone(),
                };
                let samples = self.betweens.entry((index, between));
                samples.or_insert_with(first).count += 1;
            }
            if address == first {
                *place = Some(Between::default());
                self.steps_between[index].clear();
            }
        }
        self.under_way.clear();
        for (index, between) in self.between.iter().enumerate() {
            if between.is_some() {
                self.under_way.push(index);
            }
        }
    }

    /// Writes one JSON object per line, told apart by `kind`: `boot`, `interrupts_off`, `excursion`, `between`. Addresses are
    /// numbers; `steps` is a list of them, and `events` one of counts.
    pub fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let cost = |cost: &Cost| {
            format!(
                r#""instructions":{},"register_transfers":{}"#,
                cost.instructions, cost.register_transfers
            )
        };
        writeln!(out, r#"{{"kind":"boot",{}}}"#, cost(&self.boot))?;
        let Run { first, last, .. } = self.longest;
        writeln!(
            out,
            r#"{{"kind":"interrupts_off","first":{first},"last":{last},{},"steps":{:?}}}"#,
            cost(&self.longest.cost),
            self.longest_steps,
        )?;
        for (excursion, samples) in &self.excursions {
            let Excursion {
                from, vector, to, ..
            } = excursion;
            writeln!(
                out,
                r#"{{"kind":"excursion","from":{},"from_physical":{},"vector":{vector},"to":{},"to_physical":{},{},"samples":{},"steps":{:?}}}"#,
                from.effective,
                from.physical,
                to.effective,
                to.physical,
                cost(&excursion.cost),
                samples.count,
                samples.steps,
            )?;
        }
        for ((index, between), samples) in &self.betweens {
            let (first, end) = self.settings.between[*index];
            writeln!(
                out,
                r#"{{"kind":"between","first":{first},"end":{end},{},"kernel":{{{}}},"events":{:?},"samples":{},"steps":{:?}}}"#,
                cost(&between.all),
                cost(&between.kernel),
                between.events,
                samples.count,
                samples.steps,
            )?;
        }
        out.flush()
    }
}
