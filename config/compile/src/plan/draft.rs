//! Making the plan: each choice in turn, the physical places last, since they need every size.

use cofferdam_abi::{guest as abi_guest, limits, page, space};
use cofferdam_check::program::{Elf, Segment};
use cofferdam_check::programs::{self, Programs};
use cofferdam_check::rules::place::{Block, judge as judge_places};
use cofferdam_check::wiring::{PortObject, Wiring};
use cofferdam_check::{Checked, arena, residency};
use cofferdam_model::{ChannelKind, Diagnostic, Program};

use super::*;
use crate::bus;
use crate::guest::{self, Content};
use crate::place::{Request, place};
use crate::ranks::Ranks;
use crate::tlb;

/// What is still without a physical place.
pub(super) struct Draft<'a> {
    pub(super) checked: &'a Checked,
    programs: &'a Programs,
    guests: &'a [(String, Content)],
    wiring: Vec<Wiring>,
    bus: Option<BusPlan>,
    requests: Vec<Request>,
}

/// Makes the plan.
///
/// # Errors
/// If the memory of the machine does not suffice, or the kernel's tables do not.
pub fn plan(
    checked: &Checked,
    programs: &Programs,
    guests: &[(String, Content)],
) -> Result<Plan, Vec<Diagnostic>> {
    let mut draft = Draft {
        checked,
        programs,
        guests,
        wiring: programs::wiring(checked, programs),
        bus: bus::plan(checked),
        requests: Vec::new(),
    };
    let mut partitions = draft.partitions();
    let mut channels = draft.channels();
    draft.give_places(&mut partitions, &mut channels)?;
    let bus = draft.bus.take();
    let used_end = used_end(&partitions, &channels, bus.as_ref());
    let blocks = residency::ram_blocks(u64::from(space::kernel::END), used_end);
    let interrupts = draft.interrupts();
    let ranks = Ranks::of(&checked.system);
    let first_place = limits::KERNEL_TLB1_ENTRIES + blocks.len();
    let schedules = draft.schedules(&partitions, &interrupts, &ranks, first_place);
    let plan = Plan {
        system: checked.system.name.value.clone(),
        board: checked.board.name.clone(),
        machine: checked.board.machine.clone(),
        ram_bytes: *checked.system.ram_bytes,
        timebase_hz: checked.board.timebase_hz,
        guard_ticks: *checked.system.guard_ticks,
        ram_blocks: blocks
            .into_iter()
            .map(|(physical, bytes)| BlockPlan { physical, bytes })
            .collect(),
        bus,
        partitions,
        channels,
        interrupts,
        ranks: ranks
            .all
            .iter()
            .map(|rank| RankPlan {
                partition: rank.partition,
                budget_ticks: rank.budget_ticks,
            })
            .collect(),
        schedules,
        proved: proved(&checked.system),
    };
    let mut violations = programs::plan_limits(checked, &plan.counts());
    let pieces = plan.pieces();
    violations.extend(programs::entries_aligned(checked, &pieces));
    violations.extend(programs::memory_properties(checked, &pieces));
    if violations.is_empty() {
        Ok(plan)
    } else {
        Err(violations)
    }
}

impl Draft<'_> {
    fn partitions(&mut self) -> Vec<PartitionPlan> {
        let system = &self.checked.system;
        let mut plans = Vec::new();
        for (index, partition) in system.partitions.iter().enumerate() {
            let elf = &self.programs.partitions[index];
            let pinned = self.checked.pinned[index];
            let mut regions = self.regions(index, elf);
            for region in &mut regions {
                region.bytes = match (region.kind, pinned) {
                    (RegionKind::Guest, _) => region.asked_bytes,
                    (RegionKind::Ring | RegionKind::Arena | RegionKind::Device, _) | (_, true) => {
                        residency::entry_bytes(region.asked_bytes)
                    }
                    (_, false) => region.asked_bytes.next_multiple_of(PAGE),
                };
                if region.kind == RegionKind::Stack {
                    apex::place(region);
                }
            }
            let wiring = &self.wiring[index];
            let copies = self.copies(index, elf);
            plans.push(PartitionPlan {
                memory: MemoryPlan::of(pinned, &regions, &copies),
                name: partition.name.value.clone(),
                pid: tlb::pid(index),
                tlb: if pinned { "pinned" } else { "refill" },
                entry: elf.entry,
                stack_bottom: space::DATA,
                stack_top: space::DATA + *partition.stack_bytes as u32,
                regions,
                copies,
                guest: self.guest(index),
                ports: wiring.ports.iter().map(|port| self.port(port)).collect(),
                capabilities: wiring
                    .capabilities
                    .iter()
                    .map(|one| CapabilityPlan {
                        text: one.text.clone(),
                        slot: one.slot,
                    })
                    .collect(),
                period_ticks: partition.period_ticks.as_ref().map(|ticks| **ticks),
                deadline_ticks: partition.deadline_ticks.as_ref().map(|ticks| **ticks),
                expect: partition.expect.iter().map(|error| error.name()).collect(),
                built_here: matches!(partition.program, Some(Program::Crate(_))),
            });
        }
        plans
    }

    /// What a cold start copies: of the program, and into the guest's memory.
    fn copies(&self, index: usize, elf: &Elf) -> Vec<CopyPlan> {
        let name = &self.checked.system.partitions[index].name;
        let guest = self.guests.iter().find(|(of, _)| of == &name.value);
        let blobs = guest.map_or(&[][..], |(_, content)| &content.blobs);
        let of_guest = blobs.iter().enumerate().map(|(number, blob)| CopyPlan {
            from_physical: 0,
            to_physical: u64::from(blob.at),
            offset: 0,
            blob: Some(number),
            bytes: (blob.content.len() as u64).next_multiple_of(4),
        });
        pristine(elf).into_iter().chain(of_guest).collect()
    }

    fn guest(&self, index: usize) -> Option<GuestPlan> {
        let system = &self.checked.system;
        let guest = system.partitions[index].guest.as_ref()?;
        let guests = guest::guests(system);
        let number = guests.iter().position(|one| *one == index)?;
        let name = &system.partitions[index].name.value;
        let content = self.guests.iter().find(|(of, _)| of == name);
        Some(GuestPlan {
            paravirtual: content.map_or_else(Default::default, |(_, content)| content.paravirtual),
            memory_bytes: *guest.memory_bytes,
            memory_physical: 0,
            page_physical: 0,
            translations_physical: 0,
            tags: guest::tags(number, guests.len()),
            places: guest::places(number),
        })
    }

    fn regions(&self, index: usize, elf: &Elf) -> Vec<RegionPlan> {
        let Checked { system, board, .. } = self.checked;
        let partition = &system.partitions[index];
        let mut regions = Vec::new();
        let segments = [
            (RegionKind::Text, "text", space::TEXT),
            (RegionKind::Constants, "constants", space::CONSTANTS),
        ];
        for (kind, name, address) in segments {
            if let Some(segment) = segment_at(elf, address) {
                let bytes = u64::from(segment.memory_bytes);
                regions.push(RegionPlan::new(kind, name, address, bytes));
            }
        }
        let memory = *partition.memory_bytes;
        regions.push(RegionPlan::new(
            RegionKind::Data,
            "data",
            space::DATA,
            memory,
        ));
        regions.push(RegionPlan::new(
            RegionKind::Page,
            "page",
            page::ADDRESS,
            PAGE,
        ));
        if let Some(guest) = &partition.guest {
            let (memory, page) = (abi_guest::MEMORY, abi_guest::MONITOR_PAGE);
            let bytes = *guest.memory_bytes;
            regions.push(RegionPlan::new(RegionKind::Guest, "guest", memory, bytes));
            regions.push(RegionPlan::new(
                RegionKind::GuestPage,
                "guest page",
                page,
                PAGE,
            ));
        }
        regions.extend(partition.apex.iter().flat_map(apex::regions));
        for (place, (channel, _)) in programs::rings(system, index).enumerate() {
            let effective = space::SHARED + place as u32 * space::STRIDE;
            let name = &system.channels[channel].name;
            let bytes = programs::ring_bytes(self.checked, self.programs, channel);
            regions.push(RegionPlan::new(RegionKind::Ring, name, effective, bytes));
        }
        for piece in arena::pieces(system) {
            if arena::has(system, index, &piece) {
                let name = match piece.of {
                    arena::Use::Device(device) => &system.devices[device].name,
                    arena::Use::Payload(channel) => &system.channels[channel].name,
                };
                let (effective, bytes) = (piece.address(), piece.asked_bytes);
                regions.push(RegionPlan::new(RegionKind::Arena, name, effective, bytes));
            }
        }
        for (place, name) in partition.devices.iter().enumerate() {
            let Some(device) = board.device(name) else {
                continue;
            };
            let effective = space::DEVICES + place as u32 * space::STRIDE;
            let on_bus = (self.bus.iter().flat_map(|bus| &bus.functions))
                .find(|function| function.device == name.value);
            let (physical, bytes) = match (on_bus, &device.function) {
                (Some(plan), Some(function)) => (plan.physical, function.bytes),
                _ => (
                    (board.devices_physical + device.offset) & !(PAGE - 1),
                    device.bytes,
                ),
            };
            let mut region = RegionPlan::new(RegionKind::Device, name, effective, bytes);
            region.doc = Some(device.doc.clone());
            region.physical = physical;
            regions.push(region);
        }
        regions
    }

    fn port(&self, port: &cofferdam_check::wiring::Port) -> PortPlan {
        let (channel, end, interrupt) = match port.object {
            PortObject::Channel { channel, end } => (Some(channel), Some(end), None),
            PortObject::Interrupt { device } => (None, None, self.interrupt_index(device)),
        };
        PortPlan {
            name: port.name.clone(),
            slot: port.slot,
            line: port.line,
            channel,
            end,
            interrupt,
        }
    }

    /// The devices with an interrupt that somebody owns, in the order of the file.
    fn interrupting(&self) -> Vec<(usize, usize)> {
        let system = &self.checked.system;
        let mut devices = Vec::new();
        for (index, device) in system.devices.iter().enumerate() {
            let has_it = |name: &cofferdam_model::Spanned<String>| **name == *device.name;
            let mut partitions = system.partitions.iter();
            let owner = partitions.position(|one| one.devices.iter().any(has_it));
            let on_board = self.checked.board.device(&device.name);
            if let (Some(owner), true) =
                (owner, on_board.is_some_and(|one| one.interrupt.is_some()))
            {
                devices.push((index, owner));
            }
        }
        devices
    }

    fn interrupt_index(&self, device: usize) -> Option<usize> {
        let mut all = self.interrupting().into_iter();
        all.position(|(index, _)| index == device)
    }

    fn interrupts(&self) -> Vec<InterruptPlan> {
        let Checked { system, board, .. } = self.checked;
        let all = self.interrupting().into_iter();
        all.filter_map(|(device, owner)| {
            let device = &system.devices[device].name;
            Some(InterruptPlan {
                device: device.value.clone(),
                source: board.device(device)?.interrupt?.source,
                owner,
            })
        })
        .collect()
    }

    fn channels(&self) -> Vec<ChannelPlan> {
        let system = &self.checked.system;
        let mut plans = Vec::new();
        for (index, channel) in system.channels.iter().enumerate() {
            let Some(kind) = channel.kind.as_ref().map(|kind| kind.value) else {
                continue;
            };
            let sizes = programs::message_sizes(self.checked, self.programs, index);
            let [fingerprint, reply_fingerprint] =
                programs::fingerprints(self.checked, self.programs, index)
                    .map(|known| known.map(|fingerprint| format!("{fingerprint:016x}")));
            let words = |bytes: u64| bytes.next_multiple_of(4);
            let depth = channel.depth.as_ref().map_or(1, |depth| **depth);
            // As the kernel lays them out: a place of a queue has a word for the length in front of the message.
            let store_bytes = match kind {
                ChannelKind::Sampling => words(sizes.message),
                ChannelKind::Queuing => depth * (4 + words(sizes.message)),
                ChannelKind::Call => words(sizes.message) + words(sizes.reply),
                ChannelKind::Ring | ChannelKind::Signal => 0,
            };
            let ends = channel.ends().filter_map(|end| {
                let partition = system.partition_index(&end.partition)?;
                Some((partition, end.port.value.clone()))
            });
            plans.push(ChannelPlan {
                name: channel.name.value.clone(),
                kind: kind.name(),
                message_bytes: sizes.message,
                reply_bytes: sizes.reply,
                fingerprint,
                reply_fingerprint,
                depth: if kind == ChannelKind::Queuing {
                    depth
                } else {
                    1
                },
                store_physical: 0,
                store_bytes,
                ends: ends.collect(),
            });
        }
        plans
    }

    fn request(&mut self, bytes: u64, alignment: u64) -> usize {
        let bytes = bytes.next_multiple_of(PAGE);
        self.requests.push(Request {
            bytes,
            alignment,
            at: None,
        });
        self.requests.len() - 1
    }

    fn give_places(
        &mut self,
        partitions: &mut [PartitionPlan],
        channels: &mut [ChannelPlan],
    ) -> Result<(), Vec<Diagnostic>> {
        // One request for each region, in the order of the loops below; a ring's is that of its first end.
        let mut rings = vec![None; channels.len()];
        let mut numbers = Vec::new();
        let mut blocks = Vec::new();
        for (index, partition) in partitions.iter().enumerate() {
            let pinned = self.checked.pinned[index];
            let first_own = self.requests.len();
            for region in &partition.regions {
                let alignment = match region.kind {
                    RegionKind::Guest | RegionKind::Ring => region.bytes,
                    _ if pinned => region.bytes,
                    _ => PAGE,
                };
                let number = match region.kind {
                    RegionKind::Device | RegionKind::Arena => None,
                    RegionKind::Ring => {
                        let ring = channels.iter().position(|one| one.name == region.name);
                        let known = ring.and_then(|ring| rings[ring]);
                        let number = known.unwrap_or_else(|| self.request(region.bytes, alignment));
                        if let Some(ring) = ring {
                            rings[ring] = Some(number);
                        }
                        Some(number)
                    }
                    _ => Some(self.request(region.bytes, alignment)),
                };
                numbers.push(number);
            }
            for copy in &partition.copies {
                numbers.push(Some(self.request(copy.bytes, PAGE)));
            }
            if partition.guest.is_some() {
                let bytes = u64::from(abi_guest::tlb::TLB0_BYTES);
                numbers.push(Some(self.request(bytes, PAGE)));
            }
            blocks.extend(self.put_block(index, first_own, &rings));
        }
        let misplaced = judge_places(&self.checked.system, &blocks);
        if !misplaced.is_empty() {
            return Err(misplaced);
        }
        let stores_bytes = channels.iter().map(|channel| channel.store_bytes).sum();
        let stores = self.request(stores_bytes, PAGE);
        let arena_bytes = self.bus.as_ref().map_or(0, |bus| bus.arena_bytes);
        let arena = (arena_bytes != 0).then(|| self.request(arena_bytes, arena_bytes));

        let start = u64::from(space::kernel::END);
        let end = residency::memory_end(&self.checked.system);
        let places = place(&self.requests, start, end).ok_or_else(|| {
            let asked = self.requests.iter().map(|request| request.bytes).sum();
            vec![programs::memory_exceeded(self.checked, asked)]
        })?;
        let arena = arena.map_or(0, |number| places[number]);
        if let Some(bus) = &mut self.bus {
            bus.arena_physical = arena;
        }
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().flatten().map(|number| places[number]);
        for partition in partitions {
            for region in &mut partition.regions {
                match (next(), region.kind) {
                    (Some(physical), _) => region.physical = physical,
                    (None, RegionKind::Arena) => {
                        region.physical = arena + u64::from(region.effective - space::ARENA);
                    }
                    _ => {}
                }
            }
            let of_kind = |kind| {
                let mut regions = partition.regions.iter();
                let region = regions.find(|region| region.kind == kind);
                region.map_or(0, |region| region.physical)
            };
            let (data, memory) = (of_kind(RegionKind::Data), of_kind(RegionKind::Guest));
            let page = of_kind(RegionKind::GuestPage);
            for copy in &mut partition.copies {
                copy.from_physical = next().unwrap_or_default();
                copy.to_physical = match copy.blob {
                    None => data + copy.offset,
                    Some(_) => memory + copy.to_physical,
                };
            }
            if let Some(guest) = &mut partition.guest {
                guest.memory_physical = memory;
                guest.page_physical = page;
                guest.translations_physical = next().unwrap_or_default();
            }
        }
        let mut at = places[stores];
        for channel in channels {
            channel.store_physical = at;
            at += channel.store_bytes;
        }
        Ok(())
    }

    /// Puts what a partition has for itself, the requests from `first` on without `rings`, to its `place`, if the file gives one.
    fn put_block(
        &mut self,
        partition: usize,
        first: usize,
        rings: &[Option<usize>],
    ) -> Option<Block> {
        let described = &self.checked.system.partitions[partition];
        let start = **described.place.as_ref()?;
        let mut own: Vec<_> = (first..self.requests.len())
            .filter(|number| !rings.contains(&Some(*number)))
            .collect();
        // In this order there is no hole between powers of four.
        own.sort_by_key(|number| {
            let request = &self.requests[*number];
            std::cmp::Reverse((request.alignment, request.bytes))
        });
        let alignment = self.requests[*own.first()?].alignment;
        let mut at = start;
        for number in own {
            let request = &mut self.requests[number];
            request.at = Some(at);
            at = at.saturating_add(request.bytes);
        }
        Some(Block {
            partition,
            physical: start..at,
            alignment,
        })
    }
}

/// The statements of `[require]`. A system with one that does not hold gets no plan.
fn proved(system: &cofferdam_model::System) -> Vec<String> {
    let flow = system.flow.iter().map(|one| one.to_string());
    let latency = system.latency.iter().map(|one| one.to_string());
    let memory = system.memory.iter().map(|one| one.to_string());
    flow.chain(latency).chain(memory).collect()
}

/// The segment that begins at `address`.
pub fn segment_at(elf: &Elf, address: u32) -> Option<&Segment> {
    elf.segments
        .iter()
        .find(|segment| segment.address == address)
}

/// What of a program's data is not zero: a cold start clears the rest anyway.
fn pristine(elf: &Elf) -> Option<CopyPlan> {
    let content = &segment_at(elf, space::DATA)?.content;
    let first = content.iter().position(|byte| *byte != 0)? & !3;
    let last = content.iter().rposition(|byte| *byte != 0)?;
    Some(CopyPlan {
        from_physical: 0,
        to_physical: 0,
        offset: first as u64,
        blob: None,
        bytes: (last + 1 - first).next_multiple_of(4) as u64,
    })
}

fn used_end(partitions: &[PartitionPlan], channels: &[ChannelPlan], bus: Option<&BusPlan>) -> u64 {
    let memory = |region: &&RegionPlan| region.kind != RegionKind::Device;
    let regions = partitions
        .iter()
        .flat_map(|one| one.regions.iter().filter(memory));
    let copies = partitions.iter().flat_map(|one| &one.copies);
    let guests = partitions.iter().filter_map(|one| one.guest.as_ref());
    let translations =
        guests.map(|guest| guest.translations_physical + u64::from(abi_guest::tlb::TLB0_BYTES));
    let stores = channels
        .iter()
        .map(|one| one.store_physical + one.store_bytes);
    regions
        .map(|region| region.physical + region.bytes)
        .chain(copies.map(|copy| copy.from_physical + copy.bytes))
        .chain(translations)
        .chain(stores)
        .chain(bus.map(|bus| bus.arena_physical + bus.arena_bytes))
        .max()
        .unwrap_or(0)
        .next_multiple_of(PAGE)
}
