//! What was done to a guest's kernel, read by GNU's disassembler, which shares nothing with the tool that did it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_build::Built;
use cofferdam_paravirtualise::{Rewritten, Site, What};

const DISASSEMBLER: &str = "powerpc-linux-gnu-objdump";

/// An instruction: what it is called, and what it works on.
type Instruction = (String, String);

/// Holds the kernel that was built, and what the guests of a system have of it, against the list.
pub fn disassembled(built: &Built, vmlinux: &Path) -> Result<()> {
    for (partition, rewritten) in &built.rewritten {
        let contents = built.guests.iter().find(|(name, _)| name == partition);
        let (_, content) = contents.context("the guest has nothing in its memory")?;
        let kernel = content.blobs.iter().find(|blob| blob.name == "kernel");
        let kernel = kernel.context("the guest has no kernel")?;
        let image = tempfile::NamedTempFile::new()?;
        fs::write(image.path(), &kernel.content)?;
        compare(rewritten, vmlinux, image.path())?;
    }
    Ok(())
}

/// Each site is what its kind says, by name; and what is still privileged was left.
fn compare(rewritten: &Rewritten, vmlinux: &Path, image: &Path) -> Result<()> {
    let sites: BTreeMap<u32, &Site> = rewritten
        .sites
        .iter()
        .map(|site| (site.address, site))
        .collect();
    let mut code = BTreeSet::new();
    let mut before = BTreeMap::new();
    disassemble(&["-d", "-M", "e500"], vmlinux, |address, instruction| {
        code.insert(address);
        if sites.contains_key(&address) {
            before.insert(address, instruction);
        }
        Ok(())
    })?;
    let linear = format!("--adjust-vma={:#x}", rewritten.paravirtual.linear);
    let flat = [
        "-D", "-b", "binary", "-m", "powerpc", "-M", "e500", "-EB", &linear,
    ];
    let mut compared = 0;
    disassemble(&flat, image, |address, is| {
        let Some(site) = sites.get(&address) else {
            ensure!(
                !(code.contains(&address) && is_privileged(&is)),
                "{address:#010x} is still {is:?}, and in no list"
            );
            return Ok(());
        };
        let was = before.get(&address);
        ensure!(
            was.is_some_and(|was| stands_for(site, was, &is)),
            "{address:#010x}, {}: {was:?} became {is:?}, as {:?}",
            site.symbol,
            site.what
        );
        compared += 1;
        Ok(())
    })?;
    ensure!(
        compared == sites.len() && compared > 0,
        "{DISASSEMBLER} shows {compared} instructions of {}",
        sites.len()
    );
    Ok(())
}

/// Gives each instruction of a file with its address.
fn disassemble(
    options: &[&str],
    file: &Path,
    mut each: impl FnMut(u32, Instruction) -> Result<()>,
) -> Result<()> {
    let mut child = Command::new(DISASSEMBLER)
        .args(options)
        .args(["--no-show-raw-insn", "--disassemble-zeroes"])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{DISASSEMBLER} cannot be started"))?;
    let output = child.stdout.take().context("it has no output")?;
    let mut result = Ok(());
    for line in BufReader::new(output).lines() {
        // An address, a colon, a tab, a name, blanks, operands.
        let line = line?;
        let Some((address, text)) = line.split_once(":\t") else {
            continue;
        };
        let Ok(address) = u32::from_str_radix(address.trim(), 16) else {
            continue;
        };
        let (name, operands) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        result = each(address, (name.to_owned(), operands.trim().to_owned()));
        if result.is_err() {
            child.kill()?;
            break;
        }
    }
    let status = child.wait()?;
    result?;
    ensure!(status.success(), "{DISASSEMBLER} ended with {status}");
    Ok(())
}

/// Whether an instruction is what its kind says that became of another.
fn stands_for(site: &Site, (was, of): &Instruction, (is, with): &Instruction) -> bool {
    // The register of a read is the first operand or the only one; that of a write is the last.
    let in_page = |register: &str| {
        let (access, base) = with.split_once(',').unwrap_or_default();
        access == register && base.starts_with('-') && base.ends_with("(0)")
    };
    let first = of.split(',').next().unwrap_or_default();
    let last = of.rsplit(',').next().unwrap_or_default();
    match &site.what {
        What::Load => was.starts_with("mf") && is == "lwz" && in_page(first),
        What::Store => was.starts_with("mt") && is == "stw" && in_page(last),
        What::Nop => (was == "tlbsync" || was == "mtspr" && of.starts_with("1013,")) && is == "nop",
        What::Return => was == "rfi" && is.starts_with("ev"),
        What::Stub { at } => {
            let leads = u32::from_str_radix(with.trim_start_matches("0x"), 16);
            ["wrteei", "wrtee", "mtmsr"].contains(&was.as_str()) && is == "b" && leads == Ok(*at)
        }
        What::Left { .. } => was == is && of == with,
    }
}

/// Whether an instruction is privileged, as far as its name says: the registers that user level has are moved by names of their own.
fn is_privileged((name, operands): &Instruction) -> bool {
    const OF_USER_LEVEL: [&str; 8] = ["cr", "crf", "ocrf", "lr", "ctr", "xer", "tb", "tbu"];
    let Some(register) = name.strip_prefix("mf").or_else(|| name.strip_prefix("mt")) else {
        let returns = ["rfi", "rfci", "rfdi", "rfmci"].contains(&name.as_str());
        return returns || name.starts_with("wrtee") || name.starts_with("tlb");
    };
    if register == "spr" {
        let mut operands = operands.split(',');
        let number = operands.find_map(|one| one.parse::<u32>().ok());
        return number.is_none_or(|number| number & 0x10 != 0);
    }
    !OF_USER_LEVEL.contains(&register)
}
