//! Images and certificates from anywhere: the prover makes statements about them, or says what is wrong.

use std::sync::OnceLock;

use cofferdam_compile::compile;
use cofferdam_prove::Prover;
use cofferdam_prove::certificate::{Certificate, PublicKey};

use super::{common, everything};
use crate::Target;

/// See the module. The first byte says what the rest is: 0 a certificate, 1 an image whose tables get a right checksum, else an image as it is.
pub const TARGET: Target = Target {
    name: "prove",
    seeds,
    run,
};

const BOARD: &str = include_str!("../../../../config/boards/ppce500.toml");
/// Where the tables are loaded.
const TABLES: u64 = 0x16_0000;

struct Sound {
    prover: Prover,
    image: Vec<u8>,
}

fn sound() -> &'static Sound {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    SOUND.get_or_init(|| {
        let checked = everything();
        let programs = common::programs(&checked);
        let image = match compile(&checked, &common::kernel(), &programs, &[]) {
            Ok(image) => image.bytes,
            Err(wrong) => panic!("{wrong}"),
        };
        let prover = Prover::new(common::EVERYTHING, BOARD, None, &programs);
        Sound {
            prover: prover.unwrap_or_else(|wrong| panic!("{wrong}")),
            image,
        }
    })
}

fn seeds() -> Vec<Vec<u8>> {
    let Sound { prover, image } = sound();
    let mut seeds: Vec<Vec<u8>> = [1u8, 2].map(|kind| [&[kind], &image[..]].concat()).into();
    let certificate = Certificate::of(prover, image, Vec::new()).and_then(|one| one.write());
    seeds.extend(certificate.map(|text| [&[0], text.as_bytes()].concat()));
    seeds
}

/// Who signed none of them: the first example of RFC 8032 (section 7.1).
const SOMEBODYS_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";

fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let prover = &sound().prover;
    match kind {
        0 => {
            if let Ok(certificate) = Certificate::read(rest) {
                let key = PublicKey::read(SOMEBODYS_KEY).expect("a key");
                assert!(certificate.verify(&key, rest).is_err());
                assert_eq!(
                    certificate
                        .write()
                        .and_then(|text| Certificate::read(text.as_bytes())),
                    Ok(certificate)
                );
            }
        }
        1 => {
            let mut image = rest.to_vec();
            seal(&mut image);
            judge(prover, &image);
        }
        _ => judge(prover, rest),
    }
}

/// The proof and the items agree on whether it is an image at all, and nothing but the one form of the file is said to be whole.
fn judge(prover: &Prover, image: &[u8]) {
    let (proof, items) = (prover.prove(image), prover.items(image));
    assert_eq!(proof.is_ok(), items.is_ok());
}

/// Makes the tables' checksum right, so that what is behind it is met.
fn seal(image: &mut [u8]) {
    let Ok(read) = cofferdam_prove::image::Image::read(image) else {
        return;
    };
    let Some(tables) = read
        .at(TABLES)
        .filter(|segment| segment.content.len() >= 20)
    else {
        return;
    };
    let length = tables.content.len();
    let start = tables.content.as_ptr() as usize - image.as_ptr() as usize;
    let records = (length - 20) as u32;
    image[start + 8..start + 12].copy_from_slice(&records.to_be_bytes());
    let crc = cofferdam_tables::crc32(0, &image[start..start + 16]);
    let crc = cofferdam_tables::crc32(crc, &image[start + 20..start + length]);
    image[start + 16..start + 20].copy_from_slice(&crc.to_be_bytes());
}
