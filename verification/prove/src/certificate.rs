//! The certificate: what was proved of which image, against which files, as JSON, signed if the integrator gives his key.
//!
//! The signature is Ed25519 (RFC 8032) over the JSON of `body`, written without spaces, its members in the order of the types here. So a
//! certificate can be formatted anew and stays valid, and a changed word makes it invalid.

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::statements::{Statement, hex};
use crate::{Item, Prover, Refusal};

/// The form of a certificate.
pub const FORMAT: &str = "cofferdam-certificate/2";
/// The bytes of a certificate that anybody would write at most.
const LONGEST: usize = 16 << 20;

/// A file by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashed {
    /// Which file, as far as the prover knows.
    pub what: String,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Hashed {
    /// Hashes a file.
    pub fn of(what: impl Into<String>, content: &[u8]) -> Self {
        Self {
            what: what.into(),
            bytes: content.len() as u64,
            sha256: hex(&Sha256::digest(content)),
        }
    }
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// [`FORMAT`].
    pub format: String,
    /// The system's name.
    pub system: String,
    /// Every statement holds that was looked at.
    pub holds: bool,
    /// Those that were not, because the programs were not given.
    pub open: Vec<String>,
    /// The image.
    pub image: Hashed,
    /// What it was held against: `system.toml`, the board's file, and the programs that were given.
    pub against: Vec<Hashed>,
    /// What the image consists of.
    pub items: Vec<Item>,
    /// Each statement.
    pub statements: Vec<Statement>,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// `ed25519`.
    pub algorithm: String,
    /// The public key, 32 bytes in hexadecimal.
    pub public_key: String,
    /// The signature, 64 bytes in hexadecimal.
    pub signature: String,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What is certified.
    pub body: Body,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signed>,
}

/// The public key of an integrator.
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads one: the PEM file that `openssl pkey -pubout` makes.
    ///
    /// # Errors
    /// If it is no such key.
    pub fn read(pem: &str) -> Result<Self, Refusal> {
        let read = VerifyingKey::from_public_key_pem(pem);
        read.map(Self).map_err(|_| {
            Refusal::new(
                "it is no public key of Ed25519: `openssl pkey -pubout` makes one of a private key",
            )
        })
    }
}

impl Certificate {
    /// Proves an image, and writes down what came of it.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub fn of(prover: &Prover, image: &[u8], against: Vec<Hashed>) -> Result<Self, Refusal> {
        let proof = prover.prove(image)?;
        Ok(Self {
            body: Body {
                format: FORMAT.to_owned(),
                system: prover.system().to_owned(),
                holds: proof.holds(),
                open: prover.open(),
                image: Hashed::of("image", image),
                against,
                items: prover.items(image)?,
                statements: proof.statements,
            },
            signature: None,
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > LONGEST {
            return Err(Refusal::new("it is no certificate: it is too long"));
        }
        let read: Self = serde_json::from_slice(bytes)
            .map_err(|error| Refusal::new(format!("it is no certificate: {error}")))?;
        if read.body.format != FORMAT {
            let what = format!(
                "its form is `{}`, and this command knows `{FORMAT}`: prove the image again with this version",
                read.body.format
            );
            return Err(Refusal::new(what));
        }
        Ok(read)
    }

    /// As a file has it.
    pub fn write(&self) -> Result<String, Refusal> {
        let written = serde_json::to_string_pretty(self);
        let text = written.map_err(|error| Refusal::new(format!("no JSON: {error}")))?;
        Ok(text + "\n")
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(&self.body).map_err(|error| Refusal::new(format!("no JSON: {error}")))
    }

    /// Signs it with a private key: the PEM file that `openssl genpkey -algorithm ed25519` makes.
    ///
    /// # Errors
    /// If it is no such key.
    pub fn sign(&mut self, key: &str) -> Result<(), Refusal> {
        let key = SigningKey::from_pkcs8_pem(key).map_err(|_| {
            Refusal::new(
                "it is no private key of Ed25519: `openssl genpkey -algorithm ed25519` makes one",
            )
        })?;
        let signature = key.sign(&self.signed_bytes()?);
        self.signature = Some(Signed {
            algorithm: "ed25519".to_owned(),
            public_key: hex(key.verifying_key().as_bytes()),
            signature: hex(&signature.to_bytes()),
        });
        Ok(())
    }

    /// Checks that it was signed with the private key that belongs to this public one, says that every statement holds, and is about this
    /// image.
    ///
    /// # Errors
    /// What of that is not so.
    pub fn verify(&self, PublicKey(public): &PublicKey, image: &[u8]) -> Result<(), Refusal> {
        let signed = self
            .signature
            .as_ref()
            .ok_or_else(|| Refusal::new("the certificate is not signed: `cargo cofferdam prove SYSTEM --certificate FILE --key KEY` signs one"))?;
        if signed.algorithm != "ed25519" {
            return Err(Refusal::new(format!(
                "the certificate is signed by `{}`, and this command knows `ed25519`: prove the image again",
                signed.algorithm
            )));
        }
        let signature: Option<[u8; 64]> =
            bytes(&signed.signature).and_then(|bytes| bytes.try_into().ok());
        let good = signature.is_some_and(|signature| {
            let signature = Signature::from_bytes(&signature);
            (self.signed_bytes()).is_ok_and(|body| public.verify_strict(&body, &signature).is_ok())
        });
        if !good || signed.public_key != hex(public.as_bytes()) {
            return Err(Refusal::new(
                "the signature is not that of this key: the certificate was changed, or another signed it; ask for both again, or prove the image yourself",
            ));
        }
        let found = Hashed::of("image", image);
        if found != self.body.image {
            let short = |one: &Hashed| one.sha256.chars().take(16).collect::<String>();
            return Err(Refusal::new(format!(
                "the certificate is about another image: that has SHA-256 {}…, this one {}…; name that image, or prove this one again",
                short(&self.body.image),
                short(&found)
            )));
        }
        if !self.body.holds || !self.body.statements.iter().all(Statement::holds) {
            return Err(Refusal::new(
                "the certificate says that statements do not hold: `cargo cofferdam prove SYSTEM` says which and why",
            ));
        }
        Ok(())
    }
}

/// The bytes that hexadecimal digits are.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let both = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(pair).ok().filter(|_| both)?;
        u8::from_str_radix(text, 16).ok()
    };
    digits.map(byte).collect()
}
