//! The certificate authorities of this installation: files of the data directory, made when they are needed, replaced
//! by `basalt ca rotate`.
//!
//! The first authority is `ca.key` and `ca.pem`; later ones have their number in the name, such as `ca-2.pem`. The one
//! with the highest number issues. The others are trusted as long as a certificate that they have signed is valid, and
//! the oldest of them signs the certificates of our listeners, which devices with old certificates must trust too.
//! Files are only added and removed, never changed: an authority exists once its certificate does, which is written
//! after its key.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use super::Certificates;
use crate::app::access::require_system;
use crate::auth::certificate::{self, CertificateAuthority};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::named_enum::named_enum;
use crate::domain::{Error, Micros, Principal, Result};
use crate::host::private_file;

named_enum! {
    /// A command of `basalt ca`, under the name by which it is typed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AuthorityCommand {
        Show = "basalt ca show",
        /// Makes a new authority, which signs from now on, and removes those without a valid certificate.
        Rotate = "basalt ca rotate",
    }
}

/// An authority as `basalt ca` shows it. Times are ISO-8601.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityLine {
    /// Counts the authorities of the installation from 1.
    pub number: u32,
    pub subject: String,
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
    pub not_before: String,
    pub not_after: String,
    /// Whether new certificates come from it.
    pub signs: bool,
    /// Valid certificates of devices that it has signed.
    pub certificates: usize,
}

/// The authorities, the oldest first; the last issues.
pub(in crate::app) struct Authorities(Vec<(u32, Arc<CertificateAuthority>)>);

impl Authorities {
    pub(in crate::app) fn issuer(&self) -> Result<Arc<CertificateAuthority>> {
        self.0.last().map(|(_, authority)| Arc::clone(authority)).ok_or_else(none)
    }

    pub(super) fn oldest(&self) -> Result<Arc<CertificateAuthority>> {
        self.0.first().map(|(_, authority)| Arc::clone(authority)).ok_or_else(none)
    }

    fn newest_number(&self) -> Option<u32> {
        self.0.last().map(|(number, _)| *number)
    }

    /// Every certificate as PEM, that of the issuer first.
    pub(in crate::app) fn certificates_pem(&self) -> String {
        self.0.iter().rev().map(|(_, authority)| authority.certificate_pem()).collect()
    }

    /// `counts` are the valid certificates by the authority's fingerprint; those without one are of the first.
    fn lines(&self, counts: &HashMap<Option<String>, usize>) -> Vec<AuthorityLine> {
        let issuer = self.newest_number();
        let line = |(number, authority): &(u32, Arc<CertificateAuthority>)| {
            let description = authority.description();
            let signed = |fingerprint: &Option<String>| counts.get(fingerprint).copied().unwrap_or(0);
            let unnamed = if *number == 1 { signed(&None) } else { 0 };
            AuthorityLine {
                number: *number,
                subject: description.subject.clone(),
                fingerprint: description.fingerprint.clone(),
                not_before: description.not_before.to_iso(),
                not_after: description.not_after.to_iso(),
                signs: Some(*number) == issuer,
                certificates: unnamed + signed(&Some(description.fingerprint.clone())),
            }
        };
        self.0.iter().map(line).collect()
    }
}

/// The authorities that were read, and who is told of their changes.
pub(super) struct AuthorityCache {
    /// `None` until they are needed. Held while files are made.
    read: Mutex<Option<Arc<Authorities>>>,
    changes: watch::Sender<()>,
}

impl Default for AuthorityCache {
    fn default() -> Self {
        Self { read: Mutex::default(), changes: watch::Sender::new(()) }
    }
}

impl AuthorityCache {
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

impl Certificates {
    /// Returns the authorities. The first is made when one is needed.
    pub(in crate::app) async fn authorities(&self) -> Result<Arc<Authorities>> {
        let mut read = self.authorities.read.lock().await;
        if let Some(authorities) = read.as_ref() {
            return Ok(Arc::clone(authorities));
        }
        let (dir, now) = (self.data_dir.clone(), self.clock.now());
        let authorities = Arc::new(in_background(move || read_or_make(&dir, now)).await?);
        *read = Some(Arc::clone(&authorities));
        Ok(authorities)
    }

    pub(super) fn has_authority(&self) -> bool {
        let dir = &self.data_dir;
        key_path(dir, 1).exists() || numbers(dir).is_ok_and(|found| !found.is_empty())
    }

    /// Runs a command for the owner of the data directory. Returns the authorities after it, the oldest first; none
    /// before the first is needed.
    ///
    /// # Errors
    /// `Forbidden` for everybody else; `Unavailable` when the authority's files cannot be used.
    pub async fn run_authority_command(
        &self,
        principal: &Principal,
        command: AuthorityCommand,
    ) -> Result<Vec<AuthorityLine>> {
        require_system(principal)?;
        let counts = self.store.catalog().provisioning.count_certificates(self.clock.now());
        if command == AuthorityCommand::Rotate {
            let authorities = self.rotate_authority(&counts).await?;
            let newest = authorities.newest_number().and_then(|number| i32::try_from(number).ok());
            self.audit
                .audit(principal, AuditChange::new(Action::Create, "certificate_authority", newest))
                .await?;
            return Ok(authorities.lines(&counts));
        }
        if !self.has_authority() {
            return Ok(Vec::new());
        }
        Ok(self.authorities().await?.lines(&counts))
    }

    async fn rotate_authority(&self, counts: &HashMap<Option<String>, usize>) -> Result<Arc<Authorities>> {
        let before = match self.has_authority() {
            true => self.authorities().await?.lines(counts),
            false => Vec::new(),
        };
        let unused: Vec<u32> =
            before.iter().filter(|line| line.certificates == 0).map(|line| line.number).collect();
        let (dir, now) = (self.data_dir.clone(), self.clock.now());
        let mut read = self.authorities.read.lock().await;
        // Whoever needs them next reads them again, should this fail between two files.
        *read = None;
        let rotate = move || {
            let newest = numbers(&dir)?.last().copied().unwrap_or(0);
            make(&dir, newest + 1, now)?;
            unused.into_iter().try_for_each(|number| remove(&dir, number))?;
            read_all(&dir)
        };
        let rotated = Arc::new(in_background(rotate).await?);
        *read = Some(Arc::clone(&rotated));
        drop(read);
        self.authorities.changes.send_replace(());
        Ok(rotated)
    }
}

async fn in_background<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal("reading a key was interrupted").with_source(e))?
}

fn read_or_make(dir: &Path, now: Micros) -> Result<Authorities> {
    if numbers(dir)?.is_empty() {
        make(dir, 1, now)?;
    }
    read_all(dir)
}

fn read_all(dir: &Path) -> Result<Authorities> {
    let mut found = Vec::new();
    for number in numbers(dir)? {
        let key = read(&key_path(dir, number))?;
        let certificate = read(&certificate_path(dir, number))?;
        found.push((number, Arc::new(CertificateAuthority::new(&key, &certificate)?)));
    }
    Ok(Authorities(found))
}

/// Makes an authority: its key, or what a crash has left of it, and then its certificate.
fn make(dir: &Path, number: u32, now: Micros) -> Result<()> {
    let path = key_path(dir, number);
    let failed = |e| unusable(&path, e);
    if private_file::read(&path).map_err(failed)?.is_none() {
        let key = certificate::generate_authority_key()?;
        private_file::read_or_make(&path, || key.into_bytes()).map_err(failed)?;
    }
    let certificate = certificate::make_authority_certificate(&read(&path)?, number, now)?;
    let path = certificate_path(dir, number);
    private_file::read_or_make(&path, || certificate.into_bytes()).map_err(|e| unusable(&path, e))?;
    Ok(())
}

/// Removes an authority: its certificate, so that it is none any more, and then its key.
fn remove(dir: &Path, number: u32) -> Result<()> {
    for path in [certificate_path(dir, number), key_path(dir, number)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Numbers of the authorities that have a certificate, ascending.
fn numbers(dir: &Path) -> Result<Vec<u32>> {
    let entries = fs::read_dir(dir).map_err(|e| unusable(dir, e))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| unusable(dir, e))?;
        found.extend(entry.file_name().to_str().and_then(number_of));
    }
    found.sort_unstable();
    Ok(found)
}

/// The number of the authority with this file of its certificate; `None` for any other file.
fn number_of(file: &str) -> Option<u32> {
    let name = file.strip_suffix(".pem")?.strip_prefix("ca")?;
    if name.is_empty() {
        return Some(1);
    }
    let number: u32 = name.strip_prefix('-')?.parse().ok()?;
    (file == certificate_file(number) && number > 1).then_some(number)
}

fn certificate_file(number: u32) -> String {
    if number == 1 { "ca.pem".to_owned() } else { format!("ca-{number}.pem") }
}

fn certificate_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(certificate_file(number))
}

fn key_path(dir: &Path, number: u32) -> PathBuf {
    certificate_path(dir, number).with_extension("key")
}

fn read(path: &Path) -> Result<String> {
    let content = private_file::read(path).map_err(|e| unusable(path, e))?;
    let missing = || Error::unavailable(format!("{} is missing", path.display()));
    let damaged = |e| Error::unavailable(format!("{} is damaged", path.display())).with_source(e);
    String::from_utf8(content.ok_or_else(missing)?).map_err(damaged)
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    Error::unavailable(format!("{} cannot be used: {error}", path.display()))
}

fn none() -> Error {
    Error::internal("there is no certificate authority")
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
