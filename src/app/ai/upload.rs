//! Model upload: everything is checked before anything is stored, and everything is stored in one transaction.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::inference_pool::InferencePriority;
use crate::app::ai::ModelService;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::model::{ModelFileInfo, ModelFiles, ModelSettings, UploadedModel};
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope, StreamId};
use crate::infer::detector::Detector;
use crate::store::catalog::{ModelUpload, UploadTarget};

/// Name of an AI device when the upload gives none.
const NAME: &str = "AI Device";

/// How many free names are tried.
const MAX_NAME_ATTEMPTS: usize = 100;

/// An uploaded file.
pub struct UploadedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// An upload before any check.
pub struct UploadRequest {
    pub model: UploadedFile,
    pub scaler: UploadedFile,
    pub settings: ModelSettings,
    pub name: Option<String>,
    pub device: Option<DeviceId>,
    /// The stream the scores are written to.
    pub stream: Option<StreamId>,
}

/// Content of the files of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPreview {
    /// Samples of a window.
    pub window: usize,
    /// Values of a sample, one for each source.
    pub features: usize,
    /// Operators that run for a window, each once, by name.
    pub operators: Vec<String>,
}

impl ModelService {
    /// Requires a principal that may upload models.
    pub fn check_may_upload(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::System))
    }

    /// Checks an upload, loads the model as a trial, and stores it: as a new version of the model of the given stream
    /// or device, or as a new model, creating device and stream as needed.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `TooLarge` for files that unpack beyond the limits. Nothing is stored then.
    pub async fn upload_model(
        &self,
        principal: &Principal,
        mut request: UploadRequest,
    ) -> Result<UploadedModel> {
        let (target, files, _) = self.load_upload(principal, &mut request).await?;
        let UploadRequest { model, scaler, settings, name: request_name, .. } = request;
        let (facts, scaler_facts) = (facts(&model.name, &files.model), facts(&scaler.name, &files.scaler));
        let upload = ModelUpload { target, settings, model: facts, scaler: scaler_facts, files };
        let placed = match &request_name {
            Some(_) => self.store.catalog().models.upload_model(principal, upload).await?,
            None => self.place_unnamed(principal, upload).await?,
        };
        self.states.tell_collectors(placed.device.id);
        Ok(placed)
    }

    /// Checks an upload and loads the model as a trial, without storing anything.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `TooLarge` for files that unpack beyond the limits.
    pub async fn preview_upload(
        &self,
        principal: &Principal,
        mut request: UploadRequest,
    ) -> Result<UploadPreview> {
        self.load_upload(principal, &mut request).await.map(|(_, _, preview)| preview)
    }

    /// Checks an upload and loads its files, which it takes out of the request.
    async fn load_upload(
        &self,
        principal: &Principal,
        request: &mut UploadRequest,
    ) -> Result<(UploadTarget, ModelFiles, UploadPreview)> {
        self.check_may_upload(principal)?;
        let target = self.target(principal, request)?;
        self.store.catalog().models.check_upload(principal, &target, &request.settings)?;
        let take = |file: &mut UploadedFile| std::mem::take(&mut file.bytes);
        let files = ModelFiles { model: take(&mut request.model), scaler: take(&mut request.scaler) };
        let (settings, detectors) = (request.settings.clone(), self.ai.detectors.clone());
        let load = move |_: &mut _| {
            let detector = Detector::load(&files.model, &files.scaler, &settings)?;
            detectors.check_size(&detector)?;
            let preview = UploadPreview {
                window: detector.window_len(),
                features: detector.features(),
                operators: detector.operators(),
            };
            Ok((files, preview))
        };
        let (files, preview) = self.ai.inference_pool.run(InferencePriority::Live, load).await?;
        Ok((target, files, preview))
    }

    /// Stores an upload without a name. A concurrent upload may take the free name, so further names are tried.
    async fn place_unnamed(&self, principal: &Principal, mut upload: ModelUpload) -> Result<UploadedModel> {
        for _ in 0..MAX_NAME_ATTEMPTS {
            match self.store.catalog().models.upload_model(principal, upload.clone()).await {
                Err(error) if error.fields.iter().any(|wrong| wrong.field == "name") => {}
                done => return done,
            }
            if let UploadTarget::Device { device, stream } = &mut upload.target {
                device.name = self.free_name(principal);
                *stream = score_name(&device.name);
            }
        }
        self.store.catalog().models.upload_model(principal, upload).await
    }

    /// Decides where the scores are written.
    fn target(&self, principal: &Principal, request: &UploadRequest) -> Result<UploadTarget> {
        if let Some(stream) = request.stream {
            self.check_same_device(principal, request.device, stream)?;
            return Ok(UploadTarget::Existing(stream));
        }
        let Some(id) = request.device else {
            let name = request.name.clone().unwrap_or_else(|| self.free_name(principal));
            let stream = score_name(&name);
            return Ok(UploadTarget::Device { device: device_spec(name), stream });
        };
        let models = self.store.catalog().models.models_of_devices(principal, &[id]);
        match &models[..] {
            [only] => Ok(UploadTarget::Existing(only.stream)),
            [] => {
                let device = self.store.catalog().devices.device(principal, id);
                let own = || device.map_or_else(|_| NAME.to_owned(), |device| device.spec.name.clone());
                let name = request.name.clone().unwrap_or_else(own);
                Ok(UploadTarget::Stream { device: id, stream: score_name(&name) })
            }
            several => {
                let message = format!("Device has {} models; choose one by data_id.", several.len());
                Err(Error::field("data_id", message))
            }
        }
    }

    fn check_same_device(
        &self,
        principal: &Principal,
        device: Option<DeviceId>,
        stream: StreamId,
    ) -> Result<()> {
        let own =
            self.store.catalog().streams.stream(principal, stream).ok().map(|stream| stream.spec.device);
        match (device, own) {
            (Some(device), Some(own)) if device != own => {
                Err(Error::field("data_id", format!("Data {stream} is not of device {device}.")))
            }
            _ => Ok(()),
        }
    }

    /// Returns the default name, with a number if it is taken.
    fn free_name(&self, principal: &Principal) -> String {
        let devices = self.store.catalog().devices.devices(principal, &DeviceFilter::default());
        let taken: HashSet<&str> = devices.iter().map(|device| device.spec.name.as_str()).collect();
        let numbered = (2..).map(|n| format!("{NAME} {n}"));
        let mut names = std::iter::once(NAME.to_owned()).chain(numbered);
        names.find(|name| !taken.contains(name.as_str())).unwrap_or_else(|| NAME.to_owned())
    }
}

fn device_spec(name: String) -> DeviceSpec {
    DeviceSpec { poll_interval_s: None, ..DeviceSpec::new(name, Protocol::Ai) }
}

fn score_name(name: &str) -> String {
    format!("{} score", name.trim())
}

fn facts(name: &str, bytes: &[u8]) -> ModelFileInfo {
    ModelFileInfo {
        name: name.to_owned(),
        size_bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}
