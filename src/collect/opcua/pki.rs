//! Certificate store: this application's own certificate, created at first use; servers' certificates, each trusted
//! explicitly; users' certificates.
//!
//! The folder is `pki` in the data directory: `own/cert.der` to give to servers, `private/private.pem` its key,
//! `trusted/` and `rejected/` with certificates of servers (an empty file `rejected/THUMBPRINT.decided` tells one that somebody
//! rejected from one that nobody has looked at), `users/NAME.der` (or `.pem`) and `users/NAME.key.pem` for
//! devices that log in with one. Files may be put there by hand; they are read again at every connection.
//!
//! Trust applies to exactly the trusted certificate, byte by byte. So neither host name nor issuer is checked:
//! whoever has the key is the trusted party, whatever address it moved to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::crypto::{CertificateStore, PrivateKey, X509, X509Data};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::domain::named_enum::named_enum;
use crate::domain::{Error, Kind, Micros, Result};

const KEY_BITS: u32 = 2048;
/// Long, because certificates in plants are not renewed every year.
const VALID_DAYS: u32 = 20 * 365;
/// A path at which no folder can be created, so that none is.
pub const NO_PKI_DIR: &str = "/dev/null";
/// Devices connect at the same time: only one may write the store.
static WRITE_LOCK: Mutex<()> = Mutex::new(());
/// Limit of stored rejected certificates, so that a server that shows a new one each time cannot fill the disk.
const MAX_REJECTED_CERTIFICATES: usize = 200;
/// Limit of certificates, and of addresses of each, whose servers are remembered.
const MAX_REMEMBERED: usize = 1000;
/// Ending of the files that say that somebody rejected a certificate.
const DECIDED: &str = "decided";

/// Addresses of the servers that showed a certificate, by thumbprint.
type ShownAt = BTreeMap<String, BTreeSet<String>>;

/// Returns the content of a file that only its owner may read; the second argument creates the content when the file
/// is missing.
pub type ReadOrCreate = fn(&Path, &mut dyn FnMut() -> Vec<u8>) -> io::Result<Vec<u8>>;

/// The certificate store.
#[derive(Debug, Clone)]
pub struct Pki {
    root: PathBuf,
    read_or_create: ReadOrCreate,
    /// Shared by all clones: since the process started.
    shown_at: Arc<Mutex<ShownAt>>,
}

named_enum! {
    /// Role of a certificate in the store.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum CertificateStatus {
        Own = "own",
        Trusted = "trusted",
        /// Somebody decided so.
        Rejected = "rejected",
        /// A server showed it, and nobody has decided.
        New = "new",
    }
}

impl CertificateStatus {
    fn folder(self) -> &'static str {
        match self {
            CertificateStatus::Own => "own",
            CertificateStatus::Trusted => "trusted",
            CertificateStatus::Rejected | CertificateStatus::New => "rejected",
        }
    }
}

/// A certificate in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    pub status: CertificateStatus,
    /// SHA-1 of the certificate in hexadecimal, as OPC UA names certificates.
    pub thumbprint: String,
    pub subject: String,
    /// Bounds of its time; `None` when they cannot be read.
    pub valid_from: Option<Micros>,
    pub valid_to: Option<Micros>,
    pub path: PathBuf,
}

/// Application certificate and key, for servers that require a certificate.
pub struct ApplicationIdentity {
    /// URI of the application certificate; servers compare it.
    pub application_uri: String,
}

impl Pki {
    /// A store in the folder `root`, made when needed; `read_or_make` reads and creates the application's private key.
    pub fn new(root: impl Into<PathBuf>, read_or_make: ReadOrCreate) -> Pki {
        Pki { root: root.into(), read_or_create: read_or_make, shown_at: Arc::default() }
    }

    /// A store for connections without certificates; connections that need one fail and say so.
    pub fn disabled() -> Pki {
        let refuse: ReadOrCreate =
            |_, _| Err(io::Error::new(ErrorKind::Unsupported, "no certificate folder is configured"));
        Pki::new(NO_PKI_DIR, refuse)
    }

    /// Folder of the store, which also holds the authorities of MQTT brokers.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the application's key and certificate and creates them if missing, which takes about a second.
    ///
    /// # Errors
    /// When the folder cannot be written, or the key is readable by others.
    pub fn application_identity(&self) -> Result<ApplicationIdentity> {
        let _one_at_a_time = WRITE_LOCK.lock();
        let private = self.folder("private")?;
        let file = private.join("private.pem");
        let pem = (self.read_or_create)(&file, &mut new_key).map_err(|error| failed(&file, &error))?;
        let broken = || Error::unavailable(format!("{} holds no private key", file.display()));
        let key = PrivateKey::from_pem(&pem).map_err(|_| broken())?;
        let public = key.public_key_to_info().map_err(|_| broken())?;
        let digest = hex::encode(Sha256::digest(public.subject_public_key.raw_bytes()));
        let application_uri = format!("urn:basalt:{}", &digest[..16]);
        let file = self.folder(CertificateStatus::Own.folder())?.join("cert.der");
        if !file.exists() {
            let made = X509::from_pkey(&key, &description(&application_uri));
            let made = made.and_then(|certificate| certificate.to_der().map_err(|error| error.to_string()));
            let der = made.map_err(|why| Error::internal(format!("no certificate can be made: {why}")))?;
            write(&file, &der)?;
        }
        Ok(ApplicationIdentity { application_uri })
    }

    /// Checks that the server's certificate, in DER, is trusted and valid now. An untrusted one is stored in
    /// `rejected/` for whoever decides.
    ///
    /// # Errors
    /// A message: not trusted, not valid now, or no certificate.
    pub fn check_trust(&self, certificate: &[u8], now: Micros) -> Result<(), String> {
        let shown = X509::from_der(certificate).map_err(|_| "its certificate cannot be read".to_owned())?;
        let name = CertificateStore::cert_file_name(&shown);
        let to_message = |error: Error| error.message;
        let trusted = self.folder(CertificateStatus::Trusted.folder()).map_err(to_message)?.join(&name);
        let rejected = self.folder(CertificateStatus::Rejected.folder()).map_err(to_message)?;
        if fs::read(&trusted).is_ok_and(|known| known == certificate) {
            // A certificate trusted by copying its file may still be among the rejected.
            let _ = fs::remove_file(rejected.join(&name));
            let time = chrono::DateTime::from_timestamp_micros(now.0).ok_or("the clock is wrong")?;
            return shown
                .is_time_valid(&time)
                .map_err(|_| "its certificate is not valid at this time".to_owned());
        }
        let _one_at_a_time = WRITE_LOCK.lock();
        let (subject, thumbprint) = (shown.subject_name(), shown.thumbprint().as_hex_string());
        if !rejected.join(&name).exists() {
            self.make_room();
        }
        let is_certificate = |file: &io::Result<fs::DirEntry>| {
            file.as_ref().is_ok_and(|file| file.path().extension().is_none_or(|end| end != DECIDED))
        };
        let is_room = fs::read_dir(&rejected)
            .is_ok_and(|files| files.filter(is_certificate).count() < MAX_REJECTED_CERTIFICATES);
        if is_room && !rejected.join(&name).exists() {
            write(&rejected.join(&name), certificate).map_err(to_message)?;
        }
        Err(format!(
            "its certificate is not trusted: {subject}, thumbprint {thumbprint}. Compare it with the server's, then run \
             `basalt opcua trust {thumbprint}`"
        ))
    }

    /// Removes the oldest certificate that nobody has decided about, when there is no room for another.
    fn make_room(&self) {
        let mut certificates = self.list().unwrap_or_default();
        certificates.retain(|one| matches!(one.status, CertificateStatus::New | CertificateStatus::Rejected));
        if certificates.len() < MAX_REJECTED_CERTIFICATES {
            return;
        }
        certificates.retain(|one| one.status == CertificateStatus::New);
        let modified =
            |one: &StoredCertificate| fs::metadata(&one.path).and_then(|file| file.modified()).ok();
        if let Some(oldest) = certificates.iter().min_by_key(|one| modified(one)) {
            // If it stays, the new one is not kept.
            let _ = fs::remove_file(&oldest.path);
        }
    }

    /// Lists the application's and the servers' certificates, by status and thumbprint.
    pub fn list(&self) -> Result<Vec<StoredCertificate>> {
        let mut found = Vec::new();
        for standing in [CertificateStatus::Own, CertificateStatus::Trusted, CertificateStatus::New] {
            let folder = self.root.join(standing.folder());
            let files = match fs::read_dir(&folder) {
                Ok(files) => files,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&folder, &error)),
            };
            let paths = files.filter_map(|file| file.ok().map(|file| file.path()));
            found.extend(paths.filter_map(|path| known(standing, path)));
        }
        for one in found.iter_mut().filter(|one| one.status == CertificateStatus::New) {
            if self.decision(&one.thumbprint).exists() {
                one.status = CertificateStatus::Rejected;
            }
        }
        found.sort_by(|a, b| (a.status, &a.thumbprint).cmp(&(b.status, &b.thumbprint)));
        Ok(found)
    }

    /// Trusts the certificate with this thumbprint, from the next connection on.
    ///
    /// # Errors
    /// `NotFound` when no certificate that is not trusted yet has it.
    pub fn trust(&self, thumbprint: &str) -> Result<StoredCertificate> {
        let from = [CertificateStatus::New, CertificateStatus::Rejected];
        let known = self.find(thumbprint, &from)?;
        let trusted = self.move_certificate(known, CertificateStatus::Trusted)?;
        let decision = self.decision(&trusted.thumbprint);
        match fs::remove_file(&decision) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&decision, &error)),
            _ => Ok(trusted),
        }
    }

    /// Rejects a certificate, trusted or new. Open connections stay.
    ///
    /// # Errors
    /// `NotFound` when no certificate that is not rejected yet has this thumbprint.
    pub fn reject(&self, thumbprint: &str) -> Result<StoredCertificate> {
        let known = self.find(thumbprint, &[CertificateStatus::Trusted, CertificateStatus::New])?;
        let rejected = match known.status {
            CertificateStatus::New => StoredCertificate { status: CertificateStatus::Rejected, ..known },
            _ => self.move_certificate(known, CertificateStatus::Rejected)?,
        };
        let decision = self.decision(&rejected.thumbprint);
        fs::write(&decision, "").map_err(|error| failed(&decision, &error))?;
        Ok(rejected)
    }

    /// Remembers that the server at an address showed this certificate, in DER.
    pub fn remember(&self, certificate: &[u8], address: &str) {
        let Ok(shown) = X509::from_der(certificate) else { return };
        let (thumbprint, mut all) = (shown.thumbprint().as_hex_string(), self.shown_at.lock());
        if all.len() >= MAX_REMEMBERED && !all.contains_key(&thumbprint) {
            return;
        }
        let addresses = all.entry(thumbprint).or_default();
        if addresses.len() < MAX_REMEMBERED {
            addresses.insert(address.to_owned());
        }
    }

    /// Addresses of the servers that showed the certificate since the process started.
    pub fn shown_at(&self, thumbprint: &str) -> BTreeSet<String> {
        self.shown_at.lock().get(thumbprint).cloned().unwrap_or_default()
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

    /// The file that says that somebody rejected the certificate.
    fn decision(&self, thumbprint: &str) -> PathBuf {
        self.root.join(CertificateStatus::Rejected.folder()).join(format!("{thumbprint}.{DECIDED}"))
    }

    fn find(&self, thumbprint: &str, among: &[CertificateStatus]) -> Result<StoredCertificate> {
        let wanted = normal(thumbprint);
        let is_match = |one: &StoredCertificate| among.contains(&one.status) && one.thumbprint == wanted;
        self.list()?.into_iter().find(is_match).ok_or_else(|| {
            let names: Vec<_> = among.iter().map(|status| status.name()).collect();
            let names = names.join(" or ");
            Error::new(Kind::NotFound, format!("no {names} certificate has the thumbprint `{thumbprint}`"))
        })
    }

    fn move_certificate(&self, known: StoredCertificate, to: CertificateStatus) -> Result<StoredCertificate> {
        let content = fs::read(&known.path).map_err(|error| failed(&known.path, &error))?;
        let certificate = X509::from_der(&content).map_err(|_| Error::internal("the certificate changed"))?;
        // Under the name that is looked up, whatever name it had.
        let path = self.folder(to.folder())?.join(CertificateStore::cert_file_name(&certificate));
        fs::rename(&known.path, &path).map_err(|error| failed(&path, &error))?;
        Ok(StoredCertificate { status: to, path, ..known })
    }

    /// A subfolder of the store, created if missing.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(folder)
    }
}

/// The form in which thumbprints are compared: lower case, without what people put between bytes.
pub fn normal(thumbprint: &str) -> String {
    thumbprint.trim().replace([':', ' '], "").to_ascii_lowercase()
}

fn known(standing: CertificateStatus, path: PathBuf) -> Option<StoredCertificate> {
    let certificate = X509::from_der(&fs::read(&path).ok()?).ok()?;
    let micros = |time: chrono::DateTime<chrono::Utc>| Micros(time.timestamp_micros());
    Some(StoredCertificate {
        status: standing,
        thumbprint: certificate.thumbprint().as_hex_string(),
        subject: certificate.subject_name(),
        valid_from: certificate.not_before().ok().map(micros),
        valid_to: certificate.not_after().ok().map(micros),
        path,
    })
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

/// Creates a key as PEM; empty when that fails, which later parses as no key.
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

/// Writes a file atomically, under another name first.
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
