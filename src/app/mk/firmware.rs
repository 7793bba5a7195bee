//! Firmware: uploaded by an administrator, named by commands, and fetched by devices with tokens. The bytes are in the
//! files of objects.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::new_command::{NewCommand, UPDATE_FIRMWARE};
use super::objects::{Objects, UploadPermit, blocking, unwritable};
use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::app::object_content::ObjectContent;
use crate::app::secret_file;
use crate::auth::download_token::{DownloadGrant, DownloadSigner};
use crate::domain::command::{Command, CommandFilter, CommandReport, CommandState};
use crate::domain::command_message::command_message;
use crate::domain::device::Device;
use crate::domain::document::firmware::{DOWNLOAD_TOKEN_S, MAX_FIRMWARE_BYTES};
use crate::domain::document::{Document, DocumentKind, FirmwareDescription, FirmwareSpec};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Error, Kind, Micros, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::objects::ObjectUpload;

/// Path at which a device fetches a firmware; the token is in the query.
pub const DOWNLOAD_PATH: &str = "/api/v1/firmware/download";
/// File of the secret that download tokens are signed with.
const KEY_FILE: &str = "downloads.key";
/// Parameter of a command that has the address of the firmware.
const DOWNLOAD_URL: &str = "downloadUrl";

/// Firmware of devices, and the tokens with which it is fetched.
pub struct Firmware {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    documents: Arc<Documents>,
    objects: Arc<Objects>,
    /// Scheme and authority under which devices reach this server; `None` is that of the command's request.
    public_url: Option<String>,
    /// File of the secret that download tokens are signed with.
    key_file: PathBuf,
    /// Read or created on first use.
    signer: Mutex<Option<Arc<DownloadSigner>>>,
}

/// A firmware whose bytes are being received. Dropped before [`Firmware::create_firmware`], it leaves nothing.
pub struct FirmwareUpload {
    object: Uuid,
    file: ObjectUpload,
    hash: Sha256,
    size_bytes: u64,
    /// Released last: as long as it is there, the file is not taken for one that belongs to nothing.
    _permit: UploadPermit,
}

/// A token with which a device fetches a firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadToken {
    pub text: String,
    /// From this time on it is refused.
    pub expires_at: Micros,
}

impl FirmwareUpload {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// `TooLarge` past 64 MiB; `Unavailable` when the file cannot be written.
    pub async fn write(mut self, bytes: Bytes) -> Result<Self> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > MAX_FIRMWARE_BYTES {
            return Err(Error::too_large(format!("a firmware has at most {MAX_FIRMWARE_BYTES} bytes")));
        }
        self.hash.update(&bytes);
        let mut file = self.file;
        self.file = blocking(move || {
            file.write(&bytes).map_err(unwritable)?;
            Ok(file)
        })
        .await?;
        Ok(self)
    }

    /// The SHA-256 of the bytes so far, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }
}

impl Firmware {
    pub(super) fn new(
        parts: &CoreParts,
        (documents, objects): (Arc<Documents>, Arc<Objects>),
        public_url: Option<String>,
        data_dir: &Path,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            documents,
            objects,
            public_url,
            key_file: data_dir.join(KEY_FILE),
            signer: Mutex::default(),
        }
    }

    /// Begins to receive the bytes of a firmware.
    ///
    /// # Errors
    /// `Forbidden` without the scopes `device:write` and `system:write`; `Busy` when too many files are being received;
    /// `Unavailable` when the file cannot be written.
    pub async fn begin_firmware(&self, principal: &Principal) -> Result<FirmwareUpload> {
        self.documents.check_may_change_documents(principal, DocumentKind::Firmware)?;
        let object = Uuid::new_v4();
        let permit = self.objects.begin_upload(object, principal.org)?;
        let files = self.objects.object_files();
        let file = blocking(move || files.begin(object).map_err(unwritable)).await?;
        Ok(FirmwareUpload { object, file, hash: Sha256::new(), size_bytes: 0, _permit: permit })
    }

    /// Creates a firmware of the bytes that were received. It is durable on return.
    ///
    /// # Errors
    /// `Forbidden` without the scopes `device:write` and `system:write`; `Invalid` naming the rule; `Conflict` for a name and
    /// version that exist; `LimitReached` beyond the quota; `Unavailable`.
    pub async fn create_firmware(
        &self,
        principal: &Principal,
        description: FirmwareDescription,
        file_name: String,
        upload: FirmwareUpload,
    ) -> Result<Arc<Document>> {
        self.documents.check_may_change_documents(principal, DocumentKind::Firmware)?;
        let sha256 = upload.sha256();
        let FirmwareUpload { object, file, size_bytes, _permit, .. } = upload;
        let spec = FirmwareSpec { description, object, size_bytes, sha256 };
        let catalog = self.store.catalog();
        // What is refused need not be made durable first.
        catalog.documents.check_firmware(principal, &spec)?;
        blocking(move || file.finish().map_err(unwritable)).await?;
        let created = catalog.documents.create_firmware(principal, spec, file_name).await;
        // After a failure of the database there may be a row all the same.
        if created.as_ref().is_err_and(|error| !error.kind.is_our_fault()) {
            self.remove_object_file(object).await;
        }
        created
    }

    /// Deletes a firmware and its file. Commands that name it and were not sent yet have failed then.
    ///
    /// # Errors
    /// `Forbidden` without the scopes `device:write` and `system:write`; `NotFound`.
    pub async fn delete_firmware(&self, principal: &Principal, id: Uuid) -> Result<()> {
        self.documents.check_may_change_documents(principal, DocumentKind::Firmware)?;
        let object = self.store.catalog().documents.delete_firmware(principal, id).await?;
        self.remove_object_file(object).await;
        let filter = CommandFilter { state: Some(CommandState::Pending), ..CommandFilter::default() };
        for command in self.store.catalog().commands.commands(principal, &filter) {
            if firmware_of(&command) == Some(id) {
                let error = "the firmware was deleted before the command was sent".to_owned();
                let report = CommandReport { state: CommandState::Failed, result: Value::Null, error };
                match self.store.catalog().commands.report_command(principal, command.uuid, report).await {
                    // It was sent or ended meanwhile.
                    Err(error) if error.kind.is_our_fault() => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Makes a token with which a device fetches a firmware within ten minutes.
    ///
    /// # Errors
    /// `Forbidden` without the scopes `device:write` and `system:write`; `NotFound`; `Invalid` for a device that does not exist
    /// or has another profile; `Unavailable` when the secret cannot be used.
    pub fn firmware_token(&self, principal: &Principal, id: Uuid, device: Uuid) -> Result<DownloadToken> {
        self.documents.check_may_change_documents(principal, DocumentKind::Firmware)?;
        let firmware = self.store.catalog().documents.document(principal, DocumentKind::Firmware, id)?;
        let device = self.store.catalog().devices.device_by_uuid(principal, device);
        let device = device.map_err(|_| Error::field("device", "does not exist"))?;
        self.check_fits(principal, &firmware, &device, "device")?;
        let until = Micros(self.clock.now().0.saturating_add(DOWNLOAD_TOKEN_S * MICROS_PER_SECOND));
        self.token_until(id, &device, until)
    }

    /// Opens the file of a firmware for the bearer of a token.
    ///
    /// # Errors
    /// `Unauthenticated` for a token that is not ours or of a device that is gone; `Gone` when its time is over;
    /// `NotFound` when the firmware was deleted; `Unavailable` when the file cannot be read.
    pub async fn open_firmware(&self, token: &str) -> Result<(Arc<Document>, ObjectContent)> {
        let unknown = || Error::new(Kind::Unauthenticated, "the download token is not valid");
        let grant = self.download_signer()?.verify(token).ok_or_else(unknown)?;
        if self.clock.now() >= grant.expires_at {
            return Err(Error::gone("The download token has expired"));
        }
        let document = self.store.catalog().documents.firmware_for_device(grant.firmware, grant.device)?;
        let object = document.firmware().ok_or_else(Error::not_found)?.object;
        Ok((document, self.objects.open_content(object).await?))
    }

    /// Adds what a command that installs a firmware needs besides its id: `sha256`, and `downloadUrl`, to which a token
    /// is added whenever the command is sent.
    ///
    /// # Errors
    /// `Invalid` for a firmware that does not exist or is for another profile.
    pub(super) fn complete_firmware_update(
        &self,
        principal: &Principal,
        device: &Device,
        new: &mut NewCommand,
    ) -> Result<()> {
        let unknown = || Error::field("params.firmwareId", "does not exist");
        let id = new.id("firmwareId").ok_or_else(unknown)?;
        let firmware = self.store.catalog().documents.document(principal, DocumentKind::Firmware, id);
        let firmware = firmware.map_err(|_| unknown())?;
        self.check_fits(principal, &firmware, device, "params.firmwareId")?;
        let spec = firmware.firmware().ok_or_else(unknown)?;
        new.params.insert("sha256".to_owned(), Value::from(spec.sha256.clone()));
        new.params.insert(DOWNLOAD_URL.to_owned(), Value::from(format!("{}{DOWNLOAD_PATH}", new.base_url)));
        Ok(())
    }

    /// Returns a command as its device is sent it. The address of a firmware has a token that is valid as long as the
    /// command, at least for ten minutes.
    ///
    /// # Errors
    /// `NotFound` when the firmware or the device is gone; `Unavailable` when the secret cannot be used.
    pub(in crate::app) fn device_command_message(
        &self,
        principal: &Principal,
        command: &Command,
    ) -> Result<Value> {
        principal.require(Scope::read(Resource::Device))?;
        let mut message = command_message(command);
        let Some(id) = firmware_of(command) else { return Ok(message) };
        let catalog = self.store.catalog();
        catalog.documents.document(principal, DocumentKind::Firmware, id)?;
        let device = catalog.devices.device(principal, command.spec.device)?;
        let least = self.clock.now().0.saturating_add(DOWNLOAD_TOKEN_S * MICROS_PER_SECOND);
        let token = self.token_until(id, &device, Micros(command.expires_at.0.max(least)))?;
        let address = match &self.public_url {
            Some(base) => format!("{base}{DOWNLOAD_PATH}"),
            None => {
                let params = command.spec.params.members();
                let stored = params.get(DOWNLOAD_URL).and_then(Value::as_str);
                stored.unwrap_or(DOWNLOAD_PATH).to_owned()
            }
        };
        message["params"][DOWNLOAD_URL] = Value::from(format!("{address}?token={}", token.text));
        Ok(message)
    }

    /// Checks that a firmware is for the profile of a device, in any version, where both have one.
    fn check_fits(
        &self,
        principal: &Principal,
        firmware: &Document,
        device: &Device,
        field: &'static str,
    ) -> Result<()> {
        let wanted = firmware.firmware().and_then(|firmware| firmware.description.device_profile);
        let key = |id: Option<Uuid>| {
            let profile =
                self.store.catalog().documents.document(principal, DocumentKind::DeviceProfile, id?).ok()?;
            profile.device_profile().map(|profile| profile.key.clone())
        };
        match (key(wanted), key(device.topology.device_profile)) {
            (Some(wanted), Some(own)) if wanted != own => {
                let message = format!("has the device profile '{own}', and the firmware is for '{wanted}'");
                Err(Error::field(
                    field,
                    if field == "device" { message } else { format!("the device {message}") },
                ))
            }
            _ => Ok(()),
        }
    }

    fn token_until(&self, firmware: Uuid, device: &Device, expires_at: Micros) -> Result<DownloadToken> {
        // A token ends at a whole second.
        let expires_at = Micros(expires_at.0.div_euclid(MICROS_PER_SECOND) * MICROS_PER_SECOND);
        let grant = DownloadGrant { firmware, device: device.aliases.uuid, expires_at };
        Ok(DownloadToken { text: self.download_signer()?.sign(&grant), expires_at })
    }

    /// A file that stays is removed by the hourly maintenance.
    async fn remove_object_file(&self, object: Uuid) {
        let files = self.objects.object_files();
        let removed = blocking(move || files.remove(object).map_err(unwritable)).await;
        if let Err(error) = removed {
            tracing::warn!(
                error = error.full_message(),
                "the file of a firmware stays until the next maintenance"
            );
        }
    }

    /// The first use reads a small file, which is soon enough for the thread of a request.
    fn download_signer(&self) -> Result<Arc<DownloadSigner>> {
        let mut known = self.signer.lock();
        if let Some(signer) = known.as_ref() {
            return Ok(Arc::clone(signer));
        }
        let secret = secret_file::read_or_make_blocking(&self.key_file)?;
        let signer = Arc::new(DownloadSigner::new(&secret));
        *known = Some(Arc::clone(&signer));
        Ok(signer)
    }
}

/// The firmware that a command installs.
fn firmware_of(command: &Command) -> Option<Uuid> {
    if command.spec.kind != UPDATE_FIRMWARE {
        return None;
    }
    Uuid::try_parse(command.spec.params.members().get("firmwareId")?.as_str()?).ok()
}

#[cfg(test)]
#[path = "firmware_tests.rs"]
mod tests;
