//! Certificates: ours, made at first use; those of servers, trusted one by one and explicitly; those of users.
//!
//! The folder, `pki` in the data directory: `own/cert.der` to give to servers, `private/private.pem` its key,
//! `trusted/` and `rejected/` with certificates of servers, `users/NAME.der` (or `.pem`) and `users/NAME.key.pem` for
//! devices that log in with one. Files may be put there by hand; they are looked at anew at every connection.
//!
//! Trust is in exactly the certificate that was trusted, byte by byte. So neither host name nor issuer are looked at:
//! who has that key is who was trusted, whatever address it moved to.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::crypto::{CertificateStore, PrivateKey, X509, X509Data};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::domain::{Error, Kind, Micros, Result};

const KEY_BITS: u32 = 2048;
/// Plants are not touched every year.
const VALID_DAYS: u32 = 20 * 365;
/// No folder can be made here, so that none is.
pub const NOWHERE: &str = "/dev/null";
/// Devices connect at the same time: what one begins to write, no other writes.
static WRITING: Mutex<()> = Mutex::new(());
/// Rejected certificates kept; a server that shows a new one each time fills no disk.
const REJECTED: usize = 200;

/// The content of a file that only its owner may read, made by the second argument when it is not there.
pub type ReadOrMake = fn(&Path, &mut dyn FnMut() -> Vec<u8>) -> io::Result<Vec<u8>>;

/// The folder of certificates.
#[derive(Debug, Clone)]
pub struct Pki {
    root: PathBuf,
    read_or_make: ReadOrMake,
}

/// Whose a certificate in the folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Own,
    Trusted,
    Rejected,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Standing::Own => "own",
            Standing::Trusted => "trusted",
            Standing::Rejected => "rejected",
        }
    }

    fn folder(self) -> &'static str {
        self.name()
    }
}

/// A certificate in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub standing: Standing,
    /// SHA-1 of the certificate in hexadecimal, as OPC UA names certificates.
    pub thumbprint: String,
    pub subject: String,
    pub path: PathBuf,
}

/// Who we are to servers that ask for a certificate.
pub struct Own {
    /// As our certificate says it; servers compare.
    pub application_uri: String,
}

impl Pki {
    pub fn new(root: impl Into<PathBuf>, read_or_make: ReadOrMake) -> Pki {
        Pki { root: root.into(), read_or_make }
    }

    /// For connections that need no certificates; those that do fail and say so.
    pub fn nowhere() -> Pki {
        let refuse: ReadOrMake =
            |_, _| Err(io::Error::new(ErrorKind::Unsupported, "no folder for certificates is named"));
        Pki::new(NOWHERE, refuse)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Our key and certificate, made now unless they are there. Takes about a second when they are made.
    ///
    /// # Errors
    /// When the folder cannot be written, or the key is readable by others.
    pub fn own(&self) -> Result<Own> {
        let _one_at_a_time = WRITING.lock();
        let private = self.folder("private")?;
        let file = private.join("private.pem");
        let pem = (self.read_or_make)(&file, &mut new_key).map_err(|error| failed(&file, &error))?;
        let broken = || Error::unavailable(format!("{} holds no private key", file.display()));
        let key = PrivateKey::from_pem(&pem).map_err(|_| broken())?;
        let public = key.public_key_to_info().map_err(|_| broken())?;
        let digest = hex::encode(Sha256::digest(public.subject_public_key.raw_bytes()));
        let application_uri = format!("urn:basalt:{}", &digest[..16]);
        let file = self.folder(Standing::Own.folder())?.join("cert.der");
        if !file.exists() {
            let made = X509::from_pkey(&key, &description(&application_uri));
            let made = made.and_then(|certificate| certificate.to_der().map_err(|error| error.to_string()));
            let der = made.map_err(|why| Error::internal(format!("no certificate can be made: {why}")))?;
            write(&file, &der)?;
        }
        Ok(Own { application_uri })
    }

    /// Whether a server that shows this certificate, in DER, may be spoken to now. One that is not trusted is kept in
    /// `rejected/` for whoever decides.
    ///
    /// # Errors
    /// In words: not trusted, not valid now, or no certificate.
    pub fn judge(&self, certificate: &[u8], now: Micros) -> Result<(), String> {
        let shown = X509::from_der(certificate).map_err(|_| "its certificate cannot be read".to_owned())?;
        let name = CertificateStore::cert_file_name(&shown);
        let in_words = |error: Error| error.message;
        let trusted = self.folder(Standing::Trusted.folder()).map_err(in_words)?.join(&name);
        let rejected = self.folder(Standing::Rejected.folder()).map_err(in_words)?;
        if fs::read(&trusted).is_ok_and(|known| known == certificate) {
            // What was trusted by copying a file may still lie among the rejected.
            let _ = fs::remove_file(rejected.join(&name));
            let time = chrono::DateTime::from_timestamp_micros(now.0).ok_or("the clock is wrong")?;
            return shown
                .is_time_valid(&time)
                .map_err(|_| "its certificate is not valid at this time".to_owned());
        }
        let _one_at_a_time = WRITING.lock();
        let (subject, thumbprint) = (shown.subject_name(), shown.thumbprint().as_hex_string());
        let is_room = fs::read_dir(&rejected).is_ok_and(|files| files.count() < REJECTED);
        if is_room && !rejected.join(&name).exists() {
            write(&rejected.join(&name), certificate).map_err(in_words)?;
        }
        Err(format!(
            "its certificate is not trusted: {subject}, thumbprint {thumbprint}. Compare it with the server's, then run \
             `basalt opcua trust {thumbprint}`"
        ))
    }

    /// Every certificate of ours and of servers, by standing and thumbprint.
    pub fn list(&self) -> Result<Vec<Known>> {
        let mut found = Vec::new();
        for standing in [Standing::Own, Standing::Trusted, Standing::Rejected] {
            let folder = self.root.join(standing.folder());
            let files = match fs::read_dir(&folder) {
                Ok(files) => files,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&folder, &error)),
            };
            let paths = files.filter_map(|file| file.ok().map(|file| file.path()));
            found.extend(paths.filter_map(|path| known(standing, path)));
        }
        found.sort_by(|a, b| (a.standing, &a.thumbprint).cmp(&(b.standing, &b.thumbprint)));
        Ok(found)
    }

    /// Trusts the rejected certificate of this thumbprint, from the next connection on.
    ///
    /// # Errors
    /// `NotFound` when no rejected certificate has it.
    pub fn trust(&self, thumbprint: &str) -> Result<Known> {
        self.turn(thumbprint, Standing::Rejected, Standing::Trusted)
    }

    /// Trusts a certificate no more. Connections that are open stay.
    ///
    /// # Errors
    /// `NotFound` when no trusted certificate has this thumbprint.
    pub fn reject(&self, thumbprint: &str) -> Result<Known> {
        self.turn(thumbprint, Standing::Trusted, Standing::Rejected)
    }

    /// The certificate and key of a user.
    pub(super) fn user(&self, name: &str) -> Result<(X509, PrivateKey), String> {
        let users = self.root.join("users");
        let certificates = ["der", "pem"].map(|end| users.join(format!("{name}.{end}")));
        let certificate = certificates.iter().find_map(|path| CertificateStore::read_cert(path).ok());
        let key = users.join(format!("{name}.key.pem"));
        let missing =
            |path: &Path| format!("there is no certificate or key that can be read at {}", path.display());
        let certificate = certificate.ok_or_else(|| missing(&certificates[0]))?;
        let key = CertificateStore::read_pkey(&key).map_err(|_| missing(&key))?;
        Ok((certificate, key))
    }

    fn turn(&self, thumbprint: &str, from: Standing, to: Standing) -> Result<Known> {
        let wanted = thumbprint.trim().replace([':', ' '], "").to_ascii_lowercase();
        let known =
            self.list()?.into_iter().find(|known| known.standing == from && known.thumbprint == wanted);
        let known = known.ok_or_else(|| {
            let message = format!("no {} certificate has the thumbprint `{thumbprint}`", from.name());
            Error::new(Kind::NotFound, message)
        })?;
        let content = fs::read(&known.path).map_err(|error| failed(&known.path, &error))?;
        let certificate = X509::from_der(&content).map_err(|_| Error::internal("the certificate changed"))?;
        // Under the name that is looked for, whatever it had.
        let path = self.folder(to.folder())?.join(CertificateStore::cert_file_name(&certificate));
        fs::rename(&known.path, &path).map_err(|error| failed(&path, &error))?;
        Ok(Known { standing: to, path, ..known })
    }

    /// A folder of the folder, made unless it is there.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(folder)
    }
}

fn known(standing: Standing, path: PathBuf) -> Option<Known> {
    let certificate = X509::from_der(&fs::read(&path).ok()?).ok()?;
    let thumbprint = certificate.thumbprint().as_hex_string();
    Some(Known { standing, thumbprint, subject: certificate.subject_name(), path })
}

fn description(application_uri: &str) -> X509Data {
    X509Data {
        key_size: KEY_BITS,
        common_name: "Basalt".to_owned(),
        organization: String::new(),
        organizational_unit: String::new(),
        country: String::new(),
        state: String::new(),
        alt_host_names: X509Data::alt_host_names(application_uri, None, false, true, false),
        certificate_duration_days: VALID_DAYS,
    }
}

/// A key as PEM; empty when none can be made, which then reads as no key.
fn new_key() -> Vec<u8> {
    let key = PrivateKey::new(KEY_BITS).ok().and_then(|key| key.to_der().ok());
    let Some(der) = key else { return Vec::new() };
    let base64 = BASE64.encode(der.as_bytes());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in base64.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem.into_bytes()
}

/// Whole or not at all, under another name first.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    let unfinished = path.with_extension("new");
    let written = fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::unavailable(format!("{}: {error}", path.display()))
}

#[cfg(test)]
#[path = "pki_tests.rs"]
mod tests;
