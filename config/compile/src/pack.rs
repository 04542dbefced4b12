//! Kernel, tables and programs as one ELF, which the loader puts to their physical places.
//!
//! What a partition may write is not in the image: the kernel clears it before the partition gets it, and fills it from
//! the pristine copies, which are. Memory shared by a ring belongs to no single partition, so the loader clears it.

use cofferdam_abi::space;
use cofferdam_check::programs::Programs;
use object::elf::{
    ELFCLASS32, ELFDATA2MSB, ELFMAG, ELFOSABI_NONE, EM_PPC, ET_EXEC, EV_CURRENT, FileFlags,
    FileHeader32, Ident, PF_R, PF_W, PF_X, PT_LOAD, ProgramFlags, ProgramHeader32, SHN_UNDEF,
};
use object::pod::bytes_of;
use object::{BigEndian, U16, U32};

use crate::guest::Content;
use crate::plan::{Plan, RegionKind, segment_at};

/// Something to be loaded.
struct Load<'a> {
    physical: u64,
    memory_bytes: u64,
    content: &'a [u8],
    flags: ProgramFlags,
}

/// The bytes of the image.
pub fn pack(
    programs: &Programs,
    guests: &[(String, Content)],
    plan: &Plan,
    tables: &[u8],
) -> Vec<u8> {
    let mut loads = Vec::new();
    for segment in &programs.kernel.segments {
        let mut flags = PF_R;
        if segment.write {
            flags |= PF_W;
        }
        if segment.execute {
            flags |= PF_X;
        }
        loads.push(Load {
            physical: u64::from(segment.address),
            memory_bytes: u64::from(segment.memory_bytes),
            content: &segment.content,
            flags,
        });
    }
    loads.push(Load {
        physical: u64::from(space::kernel::TABLES),
        memory_bytes: tables.len() as u64,
        content: tables,
        flags: PF_R,
    });
    for (elf, partition) in programs.partitions.iter().zip(&plan.partitions) {
        for region in &partition.regions {
            let (content, flags) = match region.kind {
                RegionKind::Text => (segment_at(elf, space::TEXT), PF_R | PF_X),
                RegionKind::Constants => (segment_at(elf, space::CONSTANTS), PF_R),
                RegionKind::Ring => (None, PF_R | PF_W),
                _ => continue,
            };
            let load = Load {
                physical: region.physical,
                memory_bytes: region.bytes,
                content: content.map_or(&[], |segment| &segment.content),
                flags,
            };
            // Both ends have a ring's memory.
            if !loads.iter().any(|other| other.physical == load.physical) {
                loads.push(load);
            }
        }
        for copy in &partition.copies {
            let of_partition = guests.iter().find(|(name, _)| *name == partition.name);
            let blob = copy.blob.and_then(|blob| of_partition?.1.blobs.get(blob));
            let data = match blob {
                Some(blob) => &blob.content[..],
                None => segment_at(elf, space::DATA).map_or(&[][..], |segment| &segment.content),
            };
            let end = data.len().min((copy.offset + copy.bytes) as usize);
            loads.push(Load {
                physical: copy.from_physical,
                memory_bytes: copy.bytes,
                content: data.get(copy.offset as usize..end).unwrap_or_default(),
                flags: PF_R,
            });
        }
    }
    loads.sort_by_key(|load| load.physical);
    write(programs.kernel.entry, &loads)
}

/// The alignment of segments in the file: the loader copies, it does not map.
const ALIGNMENT: usize = 16;

fn write(entry: u32, loads: &[Load<'_>]) -> Vec<u8> {
    let word = |value: usize| U32::new(BigEndian, value as u32);
    let half = |value: usize| U16::new(BigEndian, value as u16);
    let header_bytes = size_of::<FileHeader32<BigEndian>>();
    let program_bytes = size_of::<ProgramHeader32<BigEndian>>();
    let header = FileHeader32 {
        e_ident: Ident {
            magic: ELFMAG,
            class: ELFCLASS32,
            data: ELFDATA2MSB,
            version: EV_CURRENT,
            os_abi: ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(BigEndian, ET_EXEC),
        e_machine: U16::new(BigEndian, EM_PPC),
        e_version: word(usize::from(EV_CURRENT.0)),
        e_entry: U32::new(BigEndian, entry),
        e_phoff: word(header_bytes),
        e_shoff: word(0),
        e_flags: U32::new(BigEndian, FileFlags(0)),
        e_ehsize: half(header_bytes),
        e_phentsize: half(program_bytes),
        e_phnum: half(loads.len()),
        e_shentsize: half(0),
        e_shnum: half(0),
        e_shstrndx: U16::new(BigEndian, SHN_UNDEF),
    };
    let mut bytes = bytes_of(&header).to_vec();
    let mut offset = header_bytes + program_bytes * loads.len();
    for load in loads {
        offset = offset.next_multiple_of(ALIGNMENT);
        let program = ProgramHeader32 {
            p_type: U32::new(BigEndian, PT_LOAD),
            p_offset: word(offset),
            p_vaddr: word(load.physical as usize),
            p_paddr: word(load.physical as usize),
            p_filesz: word(load.content.len()),
            p_memsz: word(load.memory_bytes as usize),
            p_flags: U32::new(BigEndian, load.flags),
            p_align: word(ALIGNMENT),
        };
        bytes.extend_from_slice(bytes_of(&program));
        offset += load.content.len();
    }
    for load in loads {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend_from_slice(load.content);
    }
    bytes
}
