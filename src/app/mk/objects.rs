//! Uploaded objects: declared by a caller, sent and fetched by signed addresses.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::app::access::AccessControl;
use crate::app::core_parts::CoreParts;
use crate::app::object_content::ObjectContent;
use crate::app::org_permits::{OrgPermit, OrgPermits};
use crate::app::secret_file;
use crate::auth::signed_path::{PathSigner, SignedQuery};
use crate::domain::object::{Object, ObjectSpec, UPLOAD_S};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Error, Kind, Micros, OrgId, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::objects::{ObjectFiles, ObjectUpload};

/// File of the secret that addresses are signed with.
const KEY_FILE: &str = "objects.key";
/// Uploads of all callers that are received at the same time; of several organizations one has at most as many as it
/// leaves free for the others.
const MAX_UPLOADS: usize = 32;
/// Lifetime of an address for fetching, seconds: devices read it from a retained message.
const DOWNLOAD_S: u32 = 24 * 3600;

/// Uploaded objects, and the addresses at which their bytes are sent and fetched.
pub struct Objects {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    /// File of the secret that addresses are signed with.
    key_file: PathBuf,
    /// Read or created on first use.
    signer: OnceCell<PathSigner>,
    /// Objects whose bytes are being received.
    uploading: Arc<Mutex<HashSet<Uuid>>>,
    permits: OrgPermits,
}

/// An object with the address for its bytes.
#[derive(Debug, Clone)]
pub struct ObjectAddress {
    pub object: Arc<Object>,
    /// Path and query, beginning with a slash.
    pub path_and_query: String,
}

/// Object that is received or fetched by a signed address.
#[derive(Debug, Clone, Copy)]
pub struct SignedAddress<'a> {
    /// `PUT` or `GET`.
    pub method: &'static str,
    /// The path of the request.
    pub path: &'a str,
    pub query: SignedQuery<'a>,
}

/// Marks an object as being received until it is dropped.
pub(super) struct UploadPermit {
    uploading: Arc<Mutex<HashSet<Uuid>>>,
    id: Uuid,
    _permit: OrgPermit,
}

impl Drop for UploadPermit {
    fn drop(&mut self) {
        self.uploading.lock().remove(&self.id);
    }
}

impl Objects {
    pub(super) fn new(parts: &CoreParts, access: Arc<AccessControl>, data_dir: &Path) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            access,
            key_file: data_dir.join(KEY_FILE),
            signer: OnceCell::new(),
            uploading: Arc::default(),
            permits: OrgPermits::shared(MAX_UPLOADS, "too many objects are being uploaded"),
        }
    }

    /// Takes a place for the bytes of an object.
    ///
    /// # Errors
    /// `Conflict` while another request sends them; `Busy` when the organization has all its places.
    pub(super) fn begin_upload(&self, id: Uuid, org: OrgId) -> Result<UploadPermit> {
        let is_shared = self.store.catalog().orgs.org_count() > 1;
        let mut uploading = self.uploading.lock();
        if uploading.contains(&id) {
            return Err(Error::conflict("the object is being uploaded by another request"));
        }
        let permit = self.permits.acquire_share(org, is_shared)?;
        uploading.insert(id);
        Ok(UploadPermit { uploading: Arc::clone(&self.uploading), id, _permit: permit })
    }

    /// Declares an object and returns the address to which its bytes may be sent within 15 minutes.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; as `ObjectCatalog::create_object`; `Unavailable` when the secret cannot be
    /// used.
    pub async fn create_object(&self, principal: &Principal, spec: ObjectSpec) -> Result<ObjectAddress> {
        principal.require(Scope::write(Resource::Device))?;
        let signer = self.path_signer().await?;
        let object = self.store.catalog().objects.create_object(principal, spec).await?;
        let path = self.object_path(principal, object.uuid)?;
        let query = signer.sign("PUT", &path, object.created_at, UPLOAD_S as u32);
        Ok(ObjectAddress { object, path_and_query: format!("{path}?{query}") })
    }

    /// Returns an object whose bytes are stored.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`, also while its bytes are missing.
    pub fn stored_object(&self, principal: &Principal, id: Uuid) -> Result<Arc<Object>> {
        principal.require(Scope::read(Resource::Device))?;
        let object = self.store.catalog().objects.object(principal, id)?;
        if object.stored_at.is_some() { Ok(object) } else { Err(Error::not_found()) }
    }

    /// Returns path and query of an address at which the object can be fetched for a day.
    ///
    /// # Errors
    /// The errors of [`Objects::stored_object`]; `Unavailable` when the secret cannot be used.
    pub async fn object_download(&self, principal: &Principal, id: Uuid) -> Result<String> {
        self.stored_object(principal, id)?;
        let path = self.object_path(principal, id)?;
        let query = self.path_signer().await?.sign("GET", &path, self.clock.now(), DOWNLOAD_S);
        Ok(format!("{path}?{query}"))
    }

    /// Stores the bytes of an object for the bearer of a signed address. A repeat of the same bytes changes nothing. What
    /// has come completely is stored also when the caller is gone.
    ///
    /// # Errors
    /// `Forbidden` for an address that is not ours or whose time is over; `NotFound` for an object that was removed;
    /// `Invalid` when length or hash differ from what was declared; `Conflict` when other bytes are stored already or
    /// being received; `Busy`; `Unavailable` when the file cannot be written; those of `body`.
    pub async fn store_object(
        &self,
        address: SignedAddress<'_>,
        id: Uuid,
        body: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<Arc<Object>> {
        let org = self.admit_to_object(address, id).await?.org;
        let permit = self.begin_upload(id, org)?;
        // Only now nobody else stores it meanwhile.
        let object = self.store.catalog().objects.signed_object(id).ok_or_else(Error::not_found)?;
        let files = self.object_files();
        let upload = blocking(move || files.begin(id).map_err(unwritable)).await?;
        let (upload, sha256) = receive(upload, &object.spec, body).await?;
        if let Some(stored) = object.stored_at.and(object.spec.sha256.as_deref()) {
            if stored == sha256 {
                return Ok(object);
            }
            return Err(Error::conflict("the object is stored already, with other bytes"));
        }
        let catalog = Arc::clone(self.store.catalog());
        // A bucket may take longer than a client waits: until then nobody else sends the same object.
        let kept = tokio::spawn(async move {
            blocking(move || upload.finish().map_err(unwritable)).await?;
            let stored = catalog.objects.finish_object(id, sha256).await;
            drop(permit);
            stored
        });
        kept.await.map_err(|e| Error::internal("storing an object was cut short").with_source(e))?
    }

    /// Opens the file of an object for the bearer of a signed address.
    ///
    /// # Errors
    /// `Forbidden` for an address that is not ours or whose time is over; `NotFound`; `Unavailable` when the file cannot
    /// be read.
    pub async fn open_object(
        &self,
        address: SignedAddress<'_>,
        id: Uuid,
    ) -> Result<(Arc<Object>, ObjectContent)> {
        let object = self.admit_to_object(address, id).await?;
        if object.stored_at.is_none() {
            return Err(Error::not_found());
        }
        Ok((object, self.open_content(id).await?))
    }

    /// Opens the content of an object that is stored.
    pub(in crate::app) async fn open_content(&self, id: Uuid) -> Result<ObjectContent> {
        let files = self.object_files();
        let unreadable = |e| Error::unavailable("the content of an object cannot be read").with_source(e);
        let opened = blocking(move || files.open(id).map_err(unreadable)).await?;
        Ok(ObjectContent::new(opened))
    }

    /// Removes objects that no artefact refers to and whose time is over, and files without an object.
    pub(in crate::app) async fn purge_unreferenced_objects(&self) -> Result<()> {
        let referenced = self.store.catalog().documents.referenced_objects();
        self.purge_objects(referenced).await
    }

    /// Removes objects that nothing refers to and whose time is over, and files without an object. `referenced` are the
    /// objects in use.
    async fn purge_objects(&self, referenced: HashSet<Uuid>) -> Result<()> {
        let catalog = self.store.catalog();
        // An hour of margin: an object at the end of its time is referred to by no new row, see `referable_object`.
        let now = Micros(self.clock.now().0.saturating_sub(3600 * MICROS_PER_SECOND));
        catalog.objects.purge_objects(|object| referenced.contains(&object.uuid), now).await?;
        let (files, known) = (self.object_files(), self.store.clone());
        let uploading = Arc::clone(&self.uploading);
        let removed = blocking(move || {
            let is_known = |id| {
                known.catalog().objects.signed_object(id).is_some()
                    || known.catalog().media.has_media_file(id)
            };
            // In this order: the row of a firmware exists before its upload ends.
            let is_kept = |id| uploading.lock().contains(&id) || is_known(id);
            let failed =
                |e| Error::unavailable("objects without a reference cannot be removed").with_source(e);
            files.retain(is_kept).map_err(failed)
        });
        let removed = removed.await?;
        if removed > 0 {
            tracing::info!(files = removed, "removed files of uploaded objects that nothing refers to");
        }
        Ok(())
    }

    /// Returns a stored object that a new row may refer to.
    ///
    /// # Errors
    /// `Invalid` for `object_key`: it does not exist, its bytes are missing, or it is about to be removed.
    pub(in crate::app) fn referable_object(&self, principal: &Principal, id: Uuid) -> Result<Arc<Object>> {
        let problem = |message: &str| Error::field("object_key", message);
        let found = self.store.catalog().objects.object(principal, id);
        let object = found.map_err(|_| problem("does not exist"))?;
        if object.stored_at.is_none() {
            return Err(problem("has not been uploaded"));
        }
        if object.is_abandoned(self.clock.now()) {
            return Err(problem("was declared more than 24 hours ago: upload it again"));
        }
        Ok(object)
    }

    async fn admit_to_object(&self, address: SignedAddress<'_>, id: Uuid) -> Result<Arc<Object>> {
        let SignedAddress { method, path, query } = address;
        if !self.path_signer().await?.admits(method, path, query, self.clock.now()) {
            return Err(Error::forbidden("the signature of the address is not valid, or its time is over"));
        }
        self.store.catalog().objects.signed_object(id).ok_or_else(Error::not_found)
    }

    fn object_path(&self, principal: &Principal, id: Uuid) -> Result<String> {
        Ok(format!("/objects/{}/{id}", self.access.org_uuid(principal)?))
    }

    pub(in crate::app) async fn path_signer(&self) -> Result<&PathSigner> {
        let path = self.key_file.clone();
        let read = async || Ok::<_, Error>(PathSigner::new(&secret_file::read_or_make(path).await?));
        self.signer.get_or_try_init(read).await
    }

    pub(in crate::app) fn object_files(&self) -> ObjectFiles {
        self.store.objects().clone()
    }
}

/// Receives the bytes of an object into its file; returns their hash.
async fn receive(
    mut upload: ObjectUpload,
    spec: &ObjectSpec,
    body: impl Stream<Item = Result<Bytes>> + Send,
) -> Result<(ObjectUpload, String)> {
    let (mut hash, mut received) = (Sha256::new(), 0_u64);
    let mut body = std::pin::pin!(body);
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        received += bytes.len() as u64;
        if received > spec.size_bytes {
            let message =
                format!("the object has more than the {} bytes that were declared", spec.size_bytes);
            return Err(Error::invalid(message));
        }
        hash.update(&bytes);
        upload = blocking(move || {
            upload.write(&bytes).map_err(unwritable)?;
            Ok(upload)
        })
        .await?;
    }
    if received != spec.size_bytes {
        let message = format!("the object has {received} bytes, and {} were declared", spec.size_bytes);
        return Err(Error::invalid(message));
    }
    let sha256 = hex::encode(hash.finalize());
    if spec.sha256.as_ref().is_some_and(|declared| *declared != sha256) {
        return Err(Error::invalid("the SHA-256 of the bytes is not the one that was declared"));
    }
    Ok((upload, sha256))
}

/// Error that leaves a bucket's text to the log: it has names of the plant.
pub(super) fn unwritable(error: std::io::Error) -> Error {
    let what = "an uploaded object cannot be written";
    let message = match error.raw_os_error() {
        Some(_) => format!("{what}: {error}"),
        None => what.to_owned(),
    };
    Error::new(Kind::Unavailable, message).with_source(error)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal("work on an uploaded object was cut short").with_source(e))?
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;
