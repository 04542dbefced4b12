//! Tables that somebody made, under a right checksum, and what the kernel has to say about them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use cofferdam_abi::limits;
use cofferdam_build::Needs;
use cofferdam_core::{BootFailure, Configuration};
use cofferdam_tables::{Header, Record, seal};
use fastrand::Rng;
use zerocopy::IntoBytes;

use super::changes::{self, Change};
use super::{full, needs};

/// One of them.
#[derive(Clone)]
pub struct Mutant {
    /// What was made of the tables.
    pub name: String,
    /// The number of the boot failure.
    pub reason: u32,
    /// They themselves.
    tables: Vec<u8>,
}

impl Mutant {
    fn new(name: String, body: &[u8], number: u32, failure: BootFailure) -> Self {
        Self {
            name,
            reason: failure.number(),
            tables: sealed(body, number),
        }
    }

    /// The image with them.
    pub fn apply(&self, image: Vec<u8>) -> Result<Vec<u8>> {
        super::with_tables(image, &self.tables)
    }
}

/// So many times more are made than are wanted: the kernel takes some of them, and a third at most are refused for one reason, as long as others are there.
const TRIES: u64 = 20;

/// So many bytes of records the kernel reads at most.
const ROOM: usize = limits::TABLES_BYTES - size_of::<Header>();

/// Bytes that no number ends in, and that are no alternative.
const ENDLESS: &[u8] = &[0xff; 10];

/// Makes tables out of those of an image.
pub struct Mutants {
    kernels_have: Needs,
    records: Vec<Record>,
    /// Each as its bytes.
    encoded: Vec<Vec<u8>>,
    configuration: Box<Configuration>,
}

impl Mutants {
    /// For a kernel that has this.
    pub fn of(image: &[u8], kernels_have: Needs) -> Result<Self> {
        let tables = super::tables_of(image)?;
        let (_, records) = cofferdam_tables::open(&tables)
            .map_err(|error| anyhow::anyhow!("the tables have no head: {error:?}"))?;
        let records = records.map(|record| record.ok().context("the tables are malformed"));
        let records = records.collect::<Result<Vec<_>>>()?;
        Ok(Self {
            kernels_have,
            encoded: encoded(&records)?,
            records,
            configuration: Box::new(Configuration::EMPTY),
        })
    }

    /// What the kernel's own code says on the host, where it has everything that a kernel can have.
    fn failure(&mut self, tables: &[u8]) -> Option<BootFailure> {
        *self.configuration = Configuration::EMPTY;
        self.configuration.load(tables).err()
    }

    /// Tables of other records, if the kernel's own code refuses them.
    fn refused(&mut self, name: String, mut body: Vec<u8>, number: u32) -> Option<Mutant> {
        body.truncate(ROOM);
        let tables = sealed(&body, number);
        if !is_known(&tables, self.kernels_have) {
            return None;
        }
        let failure = self.failure(&tables)?;
        Some(Mutant::new(name, &body, number, failure))
    }

    /// Some that chance made.
    pub fn by_chance(&mut self, count: usize) -> Result<Vec<Mutant>> {
        let mut of_reason = BTreeMap::<u32, usize>::new();
        let (mut all, mut others) = (Vec::new(), Vec::new());
        for seed in 0..count as u64 * TRIES {
            let (body, number) = mutated(&self.encoded, &mut Rng::with_seed(seed));
            let Some(mutant) = self.refused(format!("number {seed}"), body, number) else {
                continue;
            };
            let so_far = of_reason.entry(mutant.reason).or_default();
            if *so_far < count / 3 {
                *so_far += 1;
                all.push(mutant);
            } else {
                others.push(mutant);
            }
        }
        all.extend(others);
        all.truncate(count);
        ensure!(all.len() == count, "there are {} mutants alone", all.len());
        Ok(all)
    }

    /// For each kind of record of which this is so: the tables cut off behind each byte of the longest one; with more of it than there can be; and with
    /// one behind each kind of record that it may not belong to.
    pub fn of_kinds(&mut self, is_wanted: impl Fn(&Record) -> bool) -> Vec<Mutant> {
        // The kind is the first byte (postcard writes the number of an enumeration's variant first).
        let mut longest = BTreeMap::<u8, usize>::new();
        for (place, record) in self.encoded.iter().enumerate() {
            if !is_wanted(&self.records[place]) {
                continue;
            }
            let kind = record.first().copied().unwrap_or_default();
            let so_far = longest.entry(kind).or_insert(place);
            if record.len() > self.encoded[*so_far].len() {
                *so_far = place;
            }
        }
        let mut all = Vec::new();
        for (kind, place) in longest {
            let before = self.encoded[..place].concat();
            let record = self.encoded[place].clone();
            for length in 0..record.len() {
                let body = [&before[..], &record[..length]].concat();
                let name = format!("cut off behind {length} bytes of a record of kind {kind}");
                all.extend(self.refused(name, body, place as u32 + 1));
            }
            let many = record.repeat(limits::TLB_WRITES + 1);
            let number = place + limits::TLB_WRITES + 1;
            let name = format!("with too many records of kind {kind}");
            all.extend(self.refused(name, [before, many].concat(), number as u32));
            for owner in self.owners() {
                let mut others = self.encoded.clone();
                others.insert(owner + 1, record.clone());
                let owner = self.encoded[owner].first().copied().unwrap_or_default();
                let name = format!("with a record of kind {kind} behind one of kind {owner}");
                all.extend(self.refused(name, others.concat(), others.len() as u32));
            }
        }
        all
    }

    /// Where the first record of each kind is that others may belong to, and the module's, to which none does.
    fn owners(&self) -> Vec<usize> {
        let mut kinds = Vec::new();
        let mut places = Vec::new();
        for (place, record) in self.records.iter().enumerate() {
            let owns = matches!(
                record,
                Record::Module(_)
                    | Record::Partition(_)
                    | Record::Channel(_)
                    | Record::Schedule(_)
                    | Record::Window(_)
            );
            let kind = std::mem::discriminant(record);
            if owns && !kinds.contains(&kind) {
                kinds.push(kind);
                places.push(place);
            }
        }
        places
    }

    /// Those with one thing wrong that `flight` has.
    pub fn of_flight(&mut self) -> Result<Vec<Mutant>> {
        let mut all = self.changed(changes::OF_FLIGHT)?;
        all.extend(self.with_no_action()?);
        all.extend(self.with_no_number(changes::NUMBERS_16, 16)?);
        all.extend(self.with_no_number(changes::NUMBERS_32, 32)?);
        all.extend(self.with_no_number(changes::NUMBERS_64, 64)?);
        all.extend(self.with_bytes(changes::ALTERNATIVES, ENDLESS)?);
        all.extend(self.stated(changes::ON_THE_MACHINE)?);
        if !self.kernels_have.guests {
            all.extend(self.stated(needs::STRANGE_WITHOUT_GUESTS)?);
        }
        if !self.kernels_have.bus {
            all.extend(self.stated(needs::STRANGE_WITHOUT_BUS)?);
        }
        Ok(all)
    }

    /// Those with one thing wrong about guests, or devices on the bus.
    pub fn of_needs(&mut self) -> Result<Vec<Mutant>> {
        let mut all = self.of_kinds(is_of_needs);
        let Needs { guests, bus } = self.kernels_have;
        if guests {
            all.extend(self.changed(needs::OF_GUESTS)?);
        }
        if bus {
            all.extend(self.changed(needs::OF_THE_BUS)?);
            all.extend(self.with_no_number(changes::NUMBERS_64_OF_THE_BUS, 64)?);
            all.extend(self.with_bytes(changes::ALTERNATIVES_OF_THE_BUS, ENDLESS)?);
        }
        if guests && bus {
            all.extend(self.changed(needs::OF_BOTH)?);
        }
        Ok(all)
    }

    /// Images with tables of `flight` that the kernel takes, and that have no room left. The kernel for guests is compiled for speed, and goes through ranks in
    /// another way for each number of them: there, with each number from its own on.
    pub fn full(&mut self, image: &[u8]) -> Result<Vec<(usize, Vec<u8>)>> {
        let is_rank = |record: &&Record| matches!(record, Record::Rank(_));
        let own = self.records.iter().filter(is_rank).count();
        let mut all = Vec::new();
        let fewest = if self.kernels_have.guests {
            own
        } else {
            limits::RANKS
        };
        for ranks in fewest..=limits::RANKS {
            let records = full::of_flight(&self.records, ranks)?;
            let tables = sealed(&encoded(&records)?.concat(), records.len() as u32);
            let failure = self.failure(&tables);
            ensure!(failure.is_none(), "the host refuses them: {failure:?}");
            all.push((ranks, super::with_tables(image.to_vec(), &tables)?));
        }
        Ok(all)
    }

    fn make(&self, change: &Change) -> Result<Vec<Record>> {
        let mut records = self.records.clone();
        (change.make)(&mut records).with_context(|| format!("there is not {}", change.name))?;
        Ok(records)
    }

    /// Tables with these changes, whatever the host says.
    fn stated(&self, changes: &[Change]) -> Result<Vec<Mutant>> {
        let mutants = changes.iter().map(|change| {
            let records = self.make(change)?;
            let body = encoded(&records)?.concat();
            let name = format!("with {}", change.name);
            let number = records.len() as u32;
            Ok(Mutant::new(name, &body, number, change.failure))
        });
        mutants.collect()
    }

    /// Tables with these changes, which the host refuses for the same reason.
    fn changed(&mut self, changes: &[Change]) -> Result<Vec<Mutant>> {
        let all = self.stated(changes)?;
        self.agree(&all)?;
        Ok(all)
    }

    /// Tables in which an action is none, for each error of the module, and of the first partition.
    fn with_no_action(&mut self) -> Result<Vec<Mutant>> {
        let mut all = Vec::new();
        let is_one = |record: &Record| matches!(record, Record::Module(_) | Record::Partition(_));
        // The module is before the partitions.
        let places = (0..self.records.len()).filter(|place| is_one(&self.records[*place]));
        for place in places.take(2).collect::<Vec<_>>() {
            for error in 0.. {
                let mut records = self.records.clone();
                let action = match &mut records[place] {
                    Record::Module(own) => own.actions.get_mut(error),
                    Record::Partition(own) => own.actions.get_mut(error),
                    _ => None,
                };
                let Some(action) = action else { break };
                *action = changes::NONE;
                let name = format!("with no action for error {error} in record {place}");
                let body = encoded(&records)?.concat();
                let number = records.len() as u32;
                all.push(Mutant::new(name, &body, number, BootFailure::Dangling));
            }
        }
        self.agree(&all)?;
        Ok(all)
    }

    /// Tables that end in what is no number of so many bits, where the change changes one: in one that goes on for ever, in one that is larger, and in the
    /// largest, behind which everything else is missing. The kernel for guests reads each byte of a number in a place of its own: there, with each length too.
    fn with_no_number(&mut self, changes: &[Change], bits: usize) -> Result<Vec<Mutant>> {
        // Each byte has seven bits, the lowest first.
        let others = (bits - 1) / 7;
        let mut all = self.with_bytes(changes, ENDLESS)?;
        for last in [0x7f, (1 << (bits - others * 7)) - 1] {
            let bytes = [&ENDLESS[..others], &[last]].concat();
            all.extend(self.with_bytes(changes, &bytes)?);
        }
        let shorter = if self.kernels_have.guests { others } else { 0 };
        for length in 1..=shorter {
            all.extend(self.with_bytes(changes, &ENDLESS[..length])?);
            all.extend(self.with_bytes(changes, &[&ENDLESS[..length - 1], &[0x7f]].concat())?);
        }
        Ok(all)
    }

    /// Tables that end in these bytes, from where the change changes something on, and would have all their records.
    fn with_bytes(&mut self, changes: &[Change], bytes: &[u8]) -> Result<Vec<Mutant>> {
        let mut all = Vec::new();
        for change in changes {
            let changed = encoded(&self.make(change)?)?;
            let mut records = self.encoded.clone();
            let differs = |(one, other): (&Vec<u8>, &Vec<u8>)| one != other;
            let place = records.iter().zip(&changed).position(differs);
            let place = place.with_context(|| format!("{} is as it was", change.name))?;
            let record = &mut records[place];
            let same = (record.iter().zip(&changed[place])).take_while(|(one, other)| one == other);
            let start = same.count();
            record.truncate(start);
            record.extend(bytes);
            let number = records.len() as u32;
            records.truncate(place + 1);
            let name = format!("that end in {bytes:02x?} for {}", change.name);
            all.push(Mutant::new(name, &records.concat(), number, change.failure));
        }
        self.agree(&all)?;
        Ok(all)
    }

    /// The host says of these what is stated of them.
    fn agree(&mut self, all: &[Mutant]) -> Result<()> {
        for mutant in all {
            let says = self.failure(&mutant.tables).map(BootFailure::number);
            ensure!(
                says == Some(mutant.reason),
                "of tables {} the host says {says:?}, and it is {}",
                mutant.name,
                mutant.reason
            );
        }
        Ok(())
    }
}

/// Whether there are such records only in systems with guests, or with devices on the bus.
pub fn is_of_needs(record: &Record) -> bool {
    needs(record) != Needs::default()
}

/// What a kernel has that knows such a record.
fn needs(record: &Record) -> Needs {
    Needs {
        guests: matches!(record, Record::Guest(_)),
        bus: matches!(
            record,
            Record::Bus(_) | Record::Function(_) | Record::Step(_)
        ),
    }
}

/// Whether a kernel that has this knows all records that can be read.
fn is_known(tables: &[u8], kernels_have: Needs) -> bool {
    let records = cofferdam_tables::open(tables).map(|(_, records)| records);
    let mut records = records.into_iter().flatten().flatten();
    records.all(|record| needs(&record).with(kernels_have) == kernels_have)
}

fn encoded(records: &[Record]) -> Result<Vec<Vec<u8>>> {
    let bytes = |record| postcard::to_stdvec(record).context("a record is not one");
    records.iter().map(bytes).collect()
}

fn sealed(body: &[u8], number: u32) -> Vec<u8> {
    let mut bytes = seal(body, number).as_bytes().to_vec();
    bytes.extend(body);
    bytes
}

/// The records with something changed, and how many the head says that there are.
fn mutated(records: &[Vec<u8>], rng: &mut Rng) -> (Vec<u8>, u32) {
    let mut records = records.to_vec();
    let one = rng.usize(..records.len());
    let other = rng.usize(..records.len());
    let mut missing = 0;
    match rng.u8(..16) {
        0 => _ = records.remove(one),
        1 => records.swap(one, other),
        2 => records[other] = records[one].clone(),
        3 => {
            // As many of one as there is room for.
            records.truncate(other + 1);
            let copy = records[one.min(other)].clone();
            let used: usize = records.iter().map(Vec::len).sum();
            let more = (ROOM - used) / copy.len();
            records.extend(std::iter::repeat_n(copy, more));
        }
        4 => {
            let shorter = rng.usize(..records[one].len());
            records[one].truncate(shorter);
            records.truncate(one + 1);
        }
        5 => missing = rng.u32(1..4),
        _ => {
            for _ in 0..rng.u8(1..3) {
                let record = &mut records[one];
                let place = rng.usize(..record.len());
                record[place] = match rng.u8(..5) {
                    0 => 0,
                    1 => 0x7f,
                    2 => 0xff,
                    3 => record[place].wrapping_add(1),
                    _ => rng.u8(..),
                };
            }
        }
    }
    let number = (records.len() as u32).wrapping_sub(missing);
    (records.concat(), number)
}
