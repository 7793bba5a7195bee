//! Uploads: everything is found wrong before anything is stored, and then all of it is stored at once.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::threads::Lane;
use crate::app::App;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::model::{FileFacts, ModelFiles, ModelSettings, Placed};
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope, StreamId};
use crate::infer::detector::Detector;
use crate::store::catalog::{Target, Upload};

/// What an AI device is called when nobody says.
const NAME: &str = "AI Device";

/// How often another name is tried.
const RENAMED: usize = 100;

/// A file as it came.
pub struct UploadedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// An upload as it came.
pub struct UploadRequest {
    pub model: UploadedFile,
    pub scaler: UploadedFile,
    pub settings: ModelSettings,
    pub name: Option<String>,
    pub device: Option<DeviceId>,
    /// The stream that the scores are to go to.
    pub stream: Option<StreamId>,
}

impl App {
    /// Fails unless the principal may upload models.
    pub fn check_may_upload(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::System))
    }

    /// Checks an upload, tries the model, and makes it run: a new version of the model that the named stream or device
    /// has, or a new model, with what is missing of device and stream.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field, `TooLarge` for files that unpack to more than they may; nothing is stored then.
    pub async fn upload_model(&self, principal: &Principal, request: UploadRequest) -> Result<Placed> {
        self.check_may_upload(principal)?;
        let UploadRequest { model, scaler, settings, .. } = &request;
        let (facts, scaler_facts) = (facts(model), facts(scaler));
        let target = self.target(principal, &request)?;
        self.store.catalog().check_upload(principal, &target, settings)?;
        let UploadRequest { model, scaler, settings, name: request_name, .. } = request;
        let files = ModelFiles { model: model.bytes, scaler: scaler.bytes };
        let (tried, detectors) = (settings.clone(), self.ai.detectors.clone());
        let load = move |_: &mut _| {
            detectors.check_size(&Detector::load(&files.model, &files.scaler, &tried)?)?;
            Ok(files)
        };
        let files = self.ai.threads.run(Lane::Live, load).await?;
        let upload = Upload { target, settings, model: facts, scaler: scaler_facts, files };
        let placed = match &request_name {
            Some(_) => self.store.catalog().place_model(principal, upload).await?,
            None => self.place_unnamed(principal, upload).await?,
        };
        self.tell_collectors(placed.device.id);
        Ok(placed)
    }

    /// The same for a device that nobody has named: who uploads at the same moment may take the name that was free.
    async fn place_unnamed(&self, principal: &Principal, mut upload: Upload) -> Result<Placed> {
        for _ in 0..RENAMED {
            match self.store.catalog().place_model(principal, upload.clone()).await {
                Err(error) if error.fields.iter().any(|wrong| wrong.field == "name") => {}
                done => return done,
            }
            if let Target::Device { device, stream } = &mut upload.target {
                device.name = self.free_name(principal);
                *stream = score_name(&device.name);
            }
        }
        self.store.catalog().place_model(principal, upload).await
    }

    /// Where the scores are to go.
    fn target(&self, principal: &Principal, request: &UploadRequest) -> Result<Target> {
        if let Some(stream) = request.stream {
            self.check_same_device(principal, request.device, stream)?;
            return Ok(Target::Existing(stream));
        }
        let Some(id) = request.device else {
            let name = request.name.clone().unwrap_or_else(|| self.free_name(principal));
            let stream = score_name(&name);
            return Ok(Target::Device { device: device_spec(name), stream });
        };
        let models = self.store.catalog().models_of_devices(principal, &[id]);
        match &models[..] {
            [only] => Ok(Target::Existing(only.stream)),
            [] => {
                let device = self.store.catalog().device(principal, id);
                let own = || device.map_or_else(|_| NAME.to_owned(), |device| device.spec.name.clone());
                let name = request.name.clone().unwrap_or_else(own);
                Ok(Target::Stream { device: id, stream: score_name(&name) })
            }
            several => {
                let message = format!("Device has {} models; say whose scores these are.", several.len());
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
        let own = self.store.catalog().stream(principal, stream).ok().map(|stream| stream.spec.device);
        match (device, own) {
            (Some(device), Some(own)) if device != own => {
                Err(Error::field("data_id", format!("Data {stream} is not of device {device}.")))
            }
            _ => Ok(()),
        }
    }

    /// The usual name, numbered when it is taken.
    fn free_name(&self, principal: &Principal) -> String {
        let devices = self.store.catalog().devices(principal, &DeviceFilter::default());
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

fn facts(file: &UploadedFile) -> FileFacts {
    FileFacts {
        name: file.name.clone(),
        size_bytes: file.bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&file.bytes)),
    }
}
