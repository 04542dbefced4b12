//! `cargo cofferdam prove`: what `verification/prove` says of a finished image, as a certificate.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use cofferdam_build::{Kernel, directory_of, locate, store};
use cofferdam_files::for_file;
use cofferdam_progress::{print_result, say};
use cofferdam_prove::certificate::{Certificate, Hashed, PublicKey};
use cofferdam_prove::statements::Statement;
use cofferdam_prove::{Prover, declared};

use crate::Format;

/// What to prove, and how to say it.
#[derive(Args)]
pub struct Arguments {
    /// The system, or an image: a file that ends in `.elf`
    #[arg(default_value = "flight")]
    subject: String,
    /// Whose image to prove: that with the kernel `release` or `trace`
    #[arg(long, value_name = "KERNEL", default_value = "release", value_parser = ["release", "trace"])]
    kernel: String,
    /// The `system.toml` of an image that is named by its file
    #[arg(long, value_name = "FILE")]
    system: Option<PathBuf>,
    /// Write the certificate into this file
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Sign it with this private key of Ed25519, as `openssl genpkey -algorithm ed25519` makes one
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Look at a certificate in place of proving: that it is of this public key, about the image, and that everything holds
    #[arg(long, value_name = "CERTIFICATE", requires = "public", conflicts_with_all = ["certificate", "key"])]
    verify: Option<PathBuf>,
    /// The public key, as `openssl pkey -pubout` makes one
    #[arg(long, value_name = "FILE", requires = "verify")]
    public: Option<PathBuf>,
    /// Prove what can be proved of an image whose programs do not lie beside it: that it has their text stays open
    #[arg(long)]
    without_programs: bool,
    /// How to print what was proved
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Arguments {
    /// How to print.
    pub fn format(&self) -> Format {
        self.format
    }
}

/// An image, and where what it is held against lies.
struct Subject {
    image: PathBuf,
    system: PathBuf,
    kernel: PathBuf,
    programs: PathBuf,
}

impl Subject {
    /// The image of a system that was built, or one by its file, which lies where the build puts it or has its `system.toml` named.
    fn find(root: &Path, arguments: &Arguments) -> Result<Self> {
        let named = Path::new(&arguments.subject);
        let is_image = named
            .extension()
            .is_some_and(|extension| extension == "elf");
        let (image, system) = match (is_image, &arguments.system) {
            (true, Some(system)) => (named.to_path_buf(), system.clone()),
            (true, None) => bail!(
                "an image does not say which file it is of: name its system.toml with --system"
            ),
            (false, Some(_)) => bail!(
                "--system is for an image that is named by its file, which ends in .elf: leave it out, or name the image in place of `{}`",
                arguments.subject
            ),
            (false, None) => {
                let system = locate(root, &arguments.subject)?;
                let (_, folder) = directory_of(root, &system)?;
                let image = folder.join(format!("image-{}.elf", arguments.kernel));
                ensure!(
                    image.is_file(),
                    "{} is not there: `cargo cofferdam build {}` makes it",
                    image.display(),
                    arguments.subject
                );
                (image, system)
            }
        };
        Ok(Self::of(image, system))
    }

    /// An image with its kernel and its programs where the build puts them.
    fn of(image: PathBuf, system: PathBuf) -> Self {
        let folder = image.parent().unwrap_or(Path::new("")).join("programs");
        let kernel = match image.file_stem().and_then(|stem| stem.to_str()) {
            Some("image-trace") => Kernel::Trace,
            _ => Kernel::Release,
        };
        Self {
            kernel: folder.join(format!("kernel-{}.elf", kernel.name())),
            programs: folder,
            image,
            system,
        }
    }

    /// Why not all may hold of the image, and what to do.
    fn perhaps(&self, prover: &Prover, image: &[u8], arguments: &Arguments) -> Result<String> {
        let (declared, found): (Vec<_>, _) =
            (prover.partitions().collect(), prover.partitions_in(image)?);
        let (image, system) = (self.image.display(), self.system.display());
        let next = match &arguments.system {
            Some(_) => {
                "name with --system the file that the image was built of, or the image of this file"
                    .to_owned()
            }
            None => format!(
                "`cargo cofferdam build {}` makes it anew",
                arguments.subject
            ),
        };
        let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        Ok(if found != declared {
            format!(
                "{image} is of another system: its partitions are {}, and {system} declares {}; {next}",
                found.join(", "),
                declared.join(", ")
            )
        } else if changed(&self.system) > changed(&self.image) {
            format!("{system} was changed after {image} was built; {next}")
        } else {
            format!("{image} was built of another state of {system}, or was changed; {next}")
        })
    }
}

/// What came of a file, or else why nothing did, and what to name in its place.
fn or_name<T, E: Display>(done: Result<T, E>, path: &Path, named: &str) -> Result<T> {
    done.map_err(|wrong| anyhow!("{}: {wrong}; name {named}", path.display()))
}

fn bytes(path: &Path, named: &str) -> Result<Vec<u8>> {
    or_name(fs::read(path), path, named)
}

fn text(path: &Path, named: &str) -> Result<String> {
    let text = String::from_utf8(bytes(path, named)?);
    or_name(text.map_err(|_| "it is no text"), path, named)
}

const SYSTEM: &str = "the system.toml that the image was built of";
const BOARD: &str = "a board's file in the system.toml";
const IMAGE: &str =
    "an image: `cargo cofferdam build SYSTEM` makes target/cofferdam/SYSTEM/image-release.elf";
const PROGRAMS: &str = "the image where the build has put it, beside the folder `programs`";
const CERTIFICATE: &str =
    "one that `cargo cofferdam prove SYSTEM --certificate FILE --key KEY` has written";
const PRIVATE: &str = "a private key of Ed25519, as `openssl genpkey -algorithm ed25519` makes one";
const PUBLIC: &str =
    "a public key of Ed25519, as `openssl pkey -pubout` makes one of a private key";

/// The text of the board's file: one that the tree has, or one beside the system's.
fn board(root: &Path, system: &Path, named: &str) -> Result<String> {
    let path = if named.ends_with(".toml") {
        system.parent().unwrap_or(Path::new("")).join(named)
    } else {
        root.join("config/boards").join(format!("{named}.toml"))
    };
    text(&path, BOARD)
}

/// What the prover says of an image that was built, held against everything that the build left beside it.
pub fn of_built(root: &Path, system: &Path, image: &Path) -> Result<Certificate> {
    let subject = Subject::of(image.to_path_buf(), system.to_path_buf());
    Ok(Proven::of(root, &subject)?.certificate)
}

/// An image, what its file declares, and what came of holding them against each other.
struct Proven {
    certificate: Certificate,
    prover: Prover,
    image: Vec<u8>,
}

impl Proven {
    fn of(root: &Path, subject: &Subject) -> Result<Self> {
        let system = text(&subject.system, SYSTEM)?;
        let of_system = || subject.system.display().to_string();
        let named = declared::board_of(&system).with_context(of_system)?;
        let board = board(root, &subject.system, &named)?;
        let image = bytes(&subject.image, IMAGE)?;
        let mut against = vec![
            Hashed::of("system.toml", system.as_bytes()),
            Hashed::of(format!("board {named}"), board.as_bytes()),
        ];
        let kernel = subject
            .kernel
            .is_file()
            .then(|| bytes(&subject.kernel, PROGRAMS))
            .transpose()?;
        let mut programs = Vec::new();
        for name in declared::partitions_of(&system).with_context(of_system)? {
            let path = subject.programs.join(format!("{name}.elf"));
            if path.is_file() {
                programs.push((name, bytes(&path, PROGRAMS)?));
            }
        }
        against.extend(
            kernel
                .iter()
                .map(|elf| Hashed::of("the kernel's program", elf)),
        );
        let hashed = programs
            .iter()
            .map(|(name, elf)| Hashed::of(format!("the program of {name}"), elf));
        against.extend(hashed);
        let prover =
            Prover::new(&system, &board, kernel.as_deref(), &programs).with_context(of_system)?;
        let certificate = Certificate::of(&prover, &image, against);
        let certificate = or_name(certificate, &subject.image, IMAGE)?;
        Ok(Self {
            certificate,
            prover,
            image,
        })
    }
}

/// Proves, or verifies. `Ok(false)`: not everything holds.
pub fn prove(root: &Path, arguments: &Arguments) -> Result<bool> {
    if let Some(certificate) = &arguments.verify {
        return verify(root, arguments, certificate);
    }
    ensure!(
        arguments.key.is_none()
            || arguments.certificate.is_some()
            || arguments.format == Format::Json,
        "--key signs a certificate, and nobody is to have it: name a file with --certificate, or print it with --format json"
    );
    arguments.certificate.as_deref().map(for_file).transpose()?;
    // Nothing is proved for a key that is none.
    let key = arguments.key.as_deref().map(|path| text(path, PRIVATE));
    let key = key.transpose()?;
    let subject = Subject::find(root, arguments)?;
    let Proven {
        mut certificate,
        prover,
        image,
    } = Proven::of(root, &subject)?;
    if let (Some(key), Some(path)) = (&key, &arguments.key) {
        certificate
            .sign(key)
            .with_context(|| path.display().to_string())?;
    }
    let written = certificate.write()?;
    if let Some(path) = &arguments.certificate {
        store(path, written.as_bytes())?;
    }
    match arguments.format {
        Format::Json => print_result(written.trim_end())?,
        Format::Text => show(&certificate)?,
    }
    if !certificate.body.holds {
        say!("help: {}", subject.perhaps(&prover, &image, arguments)?);
    }
    let open = &certificate.body.open;
    if !open.is_empty() && !arguments.without_programs {
        say!(
            "error: nothing is known of {}: {} and the programs of the partitions beside it are what they are held against, and are not all there; \
             prove the image where the build has put it, or say --without-programs",
            open.join(" and "),
            subject.kernel.display()
        );
        return Ok(false);
    }
    Ok(certificate.body.holds)
}

fn show(certificate: &Certificate) -> Result<()> {
    for one in &certificate.body.statements {
        let verdict = if one.holds() { "holds" } else { "FAILS" };
        print_result(format_args!(
            "{verdict}  {:>9}  {}: {}",
            one.checked, one.id, one.statement
        ))?;
        for failure in &one.failures {
            print_result(format_args!("                  {failure}"))?;
        }
        let told = one.failures.len() as u64;
        if one.failed > told {
            print_result(format_args!(
                "                  and {} more",
                one.failed - told
            ))?;
        }
    }
    let body = &certificate.body;
    let wrong = body
        .statements
        .iter()
        .filter(|one| !Statement::holds(one))
        .count();
    if wrong == 0 {
        let checked: u64 = body.statements.iter().map(|one| one.checked).sum();
        print_result(format_args!(
            "{}: {} statements hold, over {checked} things{}",
            body.system,
            body.statements.len(),
            left_open(certificate)
        ))?;
    } else {
        say!(
            "{}: {wrong} of {} statements do not hold",
            body.system,
            body.statements.len()
        );
    }
    Ok(())
}

/// What was not looked at, in words behind what was.
fn left_open(certificate: &Certificate) -> String {
    match certificate.body.open.join(" and ") {
        open if open.is_empty() => open,
        open => format!("; open: {open}"),
    }
}

fn verify(root: &Path, arguments: &Arguments, path: &Path) -> Result<bool> {
    let named = Path::new(&arguments.subject);
    // A system is named by a file, too.
    let is_image = named.is_file()
        && named
            .extension()
            .is_none_or(|extension| extension != "toml");
    let image = match is_image {
        true => named.to_path_buf(),
        false => Subject::find(root, arguments)?.image,
    };
    let certificate = Certificate::read(&bytes(path, CERTIFICATE)?);
    let certificate = or_name(certificate, path, CERTIFICATE)?;
    let public = arguments
        .public
        .as_deref()
        .context("--public names the key")?;
    let key =
        PublicKey::read(&text(public, PUBLIC)?).with_context(|| public.display().to_string())?;
    let verified = certificate.verify(&key, &bytes(&image, IMAGE)?);
    verified.with_context(|| format!("{} by the key {}", path.display(), public.display()))?;
    print_result(format_args!(
        "{}: the certificate is of this key and about this image, and its {} statements hold{}",
        certificate.body.system,
        certificate.body.statements.len(),
        left_open(&certificate)
    ))?;
    Ok(true)
}
