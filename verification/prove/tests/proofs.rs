//! What the prover says of images that are as they should be, that are not, and that are none.

mod support;

use cofferdam_prove::certificate::{Certificate, Hashed, PublicKey};
use cofferdam_prove::{Prover, Refusal};
use proptest::prelude::*;
use support::{BOARD, EVERYTHING, GUESTS, build};

/// The ids of the statements that do not hold.
fn wrong(prover: &Prover, image: &[u8]) -> Vec<String> {
    let proof = prover.prove(image).unwrap();
    let wrong = proof.statements.into_iter().filter(|one| !one.holds());
    wrong
        .map(|one| format!("{}: {:?}", one.id, one.failures))
        .collect()
}

#[test]
fn what_was_built_is_proved() {
    for system in [EVERYTHING, GUESTS] {
        let built = build(system);
        for prover in [built.prover(), built.prover_alone()] {
            assert_eq!(wrong(&prover, &built.image), [""; 0]);
            let proof = prover.prove(&built.image).unwrap();
            let nothing: Vec<_> = proof
                .statements
                .iter()
                .filter(|one| one.checked == 0)
                .map(|one| &one.id)
                .collect();
            assert!(
                nothing
                    .iter()
                    .all(|id| ["guests", "copies", "interrupts"].contains(&id.as_str())),
                "{nothing:?}"
            );
        }
    }
}

#[test]
fn an_image_of_another_file_is_not_proved() {
    let built = build(EVERYTHING);
    for (from, to) in [
        ("guard  = \"10us\"", "guard  = \"11us\""),
        ("priority = 1, budget = \"200us\"", "priority = 1"),
        ("partition.status:*", "partition.status:flight"),
        (
            "group = [\"health\", \"console\"]",
            "group = [\"console\", \"health\"]",
        ),
        ("devices    = [\"uart0\"]", "devices    = [\"i2c\"]"),
        ("memory   = \"64K\"", "memory   = \"256K\""),
        ("max = 3", "max = 4"),
        ("depth = 16", "depth = 8"),
        ("tlb    = \"refill\"", "tlb    = \"pinned\""),
    ] {
        let other = EVERYTHING.replace(from, to);
        assert_ne!(other, EVERYTHING, "{from}");
        let prover = Prover::new(&other, BOARD, None, &[]).unwrap();
        assert_ne!(wrong(&prover, &built.image), [""; 0], "{to}");
    }
}

#[test]
fn what_is_required_is_proved_on_the_image() {
    let built = build(EVERYTHING);
    for (required, holds) in [
        ("flow = [\"health -/-> flight\"]", false),
        ("latency = [\"interrupt uart0 -> console <= 11ms\"]", true),
        ("latency = [\"interrupt uart0 -> console <= 100us\"]", false),
        ("memory = [\"no page shared except by ring\"]", true),
        ("memory = [\"no page at all\"]", false),
        ("flow = [\"nobody -/-> flight\"]", false),
    ] {
        let system = format!("{EVERYTHING}\n[require]\n{required}\n");
        let prover = Prover::new(&system, BOARD, None, &[]).unwrap();
        assert_eq!(
            prover.prove(&built.image).unwrap().holds(),
            holds,
            "{required}"
        );
    }
}

fn refusal(image: &[u8]) -> String {
    let prover = build(EVERYTHING).prover_alone();
    prover.prove(image).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_is_no_image_is_told_so() {
    let built = build(EVERYTHING);
    assert!(refusal(b"").contains("no image"));
    assert!(refusal(&built.image[..40]).contains("40 bytes are no head of one"));
    assert!(refusal(&built.image[..built.image.len() / 2]).contains("cut off"));
    assert!(refusal(&built.programs[0].1).contains("without tables"));
    let mut other = built.image.clone();
    other[18..20].copy_from_slice(&[0, 3]);
    assert!(refusal(&other).contains("another processor"));
    let unknown = EVERYTHING.replace("ram    = ", "rom    = ");
    let Err(wrong) = Prover::new(&unknown, BOARD, None, &[]) else {
        panic!("a file with an unknown key was read");
    };
    assert!(wrong.to_string().contains("line"), "{wrong}");
}

/// Of tables that are sealed and cannot be read, it is said which record stops that, and where.
#[test]
fn a_record_that_cannot_be_read_is_named() {
    let mut image = build(EVERYTHING).image;
    let tables = image.windows(4).position(|one| one == b"CFTB").unwrap();
    let words = |image: &[u8], at: usize| {
        u32::from_be_bytes(image[at..at + 4].try_into().unwrap()) as usize
    };
    let (records, length) = (tables + 20, words(&image, tables + 8));
    let mut broken = |at: usize, bytes: &[u8]| {
        let whole = image.clone();
        image[records + at..][..bytes.len()].copy_from_slice(bytes);
        let parts = [
            &image[tables..tables + 16],
            &image[records..records + length],
        ]
        .concat();
        let mut crc = u32::MAX;
        for byte in parts {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        image[tables + 16..records].copy_from_slice(&(!crc).to_be_bytes());
        std::mem::replace(&mut image, whole)
    };
    // The first is the board's, whose first field is a number of 64 bits.
    let place = format!("record 0 of the tables, a Board, at byte 0 of {length}: ");
    let said = refusal(&broken(1, &[0xff; 11]));
    assert_eq!(said, place + "a number does not end");
    let said = refusal(&broken(0, &[0x7f]));
    assert!(
        said.contains("record 0 of the tables, at byte 0 of"),
        "{said}"
    );
    assert!(said.ends_with("there is no record of kind 127"), "{said}");
}

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";
const OTHER_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----
";

fn key(pem: &str) -> PublicKey {
    PublicKey::read(pem).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn a_certificate_is_about_one_image_and_of_one_key() {
    let built = build(EVERYTHING);
    let against = vec![Hashed::of("system.toml", EVERYTHING.as_bytes())];
    let mut certificate = Certificate::of(&built.prover(), &built.image, against).unwrap();
    assert!(certificate.body.holds && certificate.body.open.is_empty());
    assert_eq!(
        certificate.verify(&key(PUBLIC), &built.image),
        Err(Refusal::clone(&unsigned(&certificate, &built.image)))
    );
    certificate.sign(PRIVATE).unwrap();
    let text = certificate.write().unwrap();
    let read = Certificate::read(text.as_bytes()).unwrap();
    assert_eq!(read, certificate);
    assert_eq!(read.verify(&key(PUBLIC), &built.image), Ok(()));
    assert!(read.verify(&key(OTHER_PUBLIC), &built.image).is_err());
    assert!(PublicKey::read("no key").is_err() && PublicKey::read(PRIVATE).is_err());
    assert!(certificate.clone().sign("no key").is_err());
    let mut other = built.image.clone();
    other[4000] ^= 1;
    assert!(
        read.verify(&key(PUBLIC), &other)
            .unwrap_err()
            .to_string()
            .contains("another image")
    );
    let mut changed = read.clone();
    changed.body.statements[0].checked += 1;
    assert!(
        changed
            .verify(&key(PUBLIC), &built.image)
            .unwrap_err()
            .to_string()
            .contains("signature")
    );
    for cut in (0..text.len()).step_by(97) {
        assert!(Certificate::read(&text.as_bytes()[..cut]).is_err());
    }
    // One of an image that is not proved is signed, and does not verify.
    let stale = EVERYTHING.replace("max = 3", "max = 4");
    let prover = Prover::new(&stale, BOARD, None, &[]).unwrap();
    let mut certificate = Certificate::of(&prover, &built.image, vec![]).unwrap();
    certificate.sign(PRIVATE).unwrap();
    assert!(
        certificate
            .verify(&key(PUBLIC), &built.image)
            .unwrap_err()
            .to_string()
            .contains("do not hold")
    );
}

/// Code that nobody compared is said to be so: in what holds there is nothing of it.
#[test]
fn what_was_not_given_stays_open() {
    let built = build(EVERYTHING);
    let mut image = built.image.clone();
    let prover = Prover::new(EVERYTHING, BOARD, None, &[]).unwrap();
    let whole = built.prover().prove(&image).unwrap();
    // A bit of a program: code, and nothing that the tables say.
    let place = (0..image.len()).rev().find(|place| {
        image[*place] ^= 1;
        let proof = built.prover().prove(&image);
        let is_code = proof.is_ok_and(|proof| {
            let wrong = proof.statements.iter().filter(|one| !one.holds());
            wrong.map(|one| one.id.clone()).collect::<Vec<_>>() == ["program-text"]
        });
        if !is_code {
            image[*place] ^= 1;
        }
        is_code
    });
    assert!(whole.holds() && place.is_some());
    let certificate = Certificate::of(&prover, &image, vec![]).unwrap();
    assert!(certificate.body.holds);
    assert_eq!(certificate.body.open, ["kernel-text", "program-text"]);
}

fn unsigned(certificate: &Certificate, image: &[u8]) -> Refusal {
    let refusal = certificate.verify(&key(PUBLIC), image).unwrap_err();
    assert!(refusal.to_string().contains("not signed"));
    refusal
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the bytes, there is an answer.
    #[test]
    fn any_bytes_get_an_answer(start in 0usize..3000, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let built = build(EVERYTHING);
        let mut image = built.image.clone();
        let end = (start + bytes.len()).min(image.len());
        image[start.min(end)..end].copy_from_slice(&bytes[..end - start.min(end)]);
        let _ = built.prover_alone().prove(&image);
        let _ = built.prover_alone().prove(&bytes);
        let _ = Certificate::read(&bytes);
    }

    /// Whatever text stands in a file.
    #[test]
    fn any_text_gets_an_answer(at in 0usize..3000, text in "[ -~\\n]{0,30}") {
        let at = at.min(EVERYTHING.len());
        let system = format!("{}{text}{}", &EVERYTHING[..at], &EVERYTHING[at..]);
        let _ = Prover::new(&system, BOARD, None, &[]);
        let _ = Prover::new(EVERYTHING, &system, None, &[]);
    }
}
