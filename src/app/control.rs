//! Commands of the data directory's owner in a form that travels: the same whether the command line runs them in its
//! own process or hands them to the server that has the directory open.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::App;
use super::access::{KeyRequest, require_system};
use super::ai::calibrate::Calibration;
use super::inventory::{Form, Review};
use super::user::UserCommand;
use crate::domain::audit::{Action, Change, Origin};
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::key::Key;
use crate::domain::org::{Org, User, UserChange};
use crate::domain::progress::Step;
use crate::domain::stream::{StreamFilter, StreamKind, StreamSpec};
use crate::domain::{Error, KeyId, Kind, Micros, ModelId, Principal, Progress, Result, StreamId};
use crate::store::backup::BackedUp;
use crate::store::verify::Report;

/// What to do. `org` is a slug; none is the principal's own organization.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    CreateOrg {
        slug: String,
        name: Option<String>,
    },
    ListOrgs,
    User {
        org: Option<String>,
        command: UserCommand,
    },
    CreateKey {
        org: Option<String>,
        key: KeyRequest,
    },
    ListKeys {
        org: Option<String>,
    },
    RevokeKey {
        org: Option<String>,
        id: i32,
    },
    /// Flush, then merge the lake's files.
    Compact,
    /// Read everything there is, and say what is broken.
    Verify,
    /// Copy everything into a directory that must not exist or be empty; an absolute path.
    Backup {
        dest: PathBuf,
    },
    /// The stream of a device, both by name. `create` is the type to make it with when it does not exist, on a device
    /// that is made when it does not exist either.
    FindStream {
        org: Option<String>,
        device: String,
        stream: String,
        create: Option<String>,
    },
    /// Devices and streams as a file has them; a dry one changes nothing.
    ImportInventory {
        org: Option<String>,
        form: Form,
        text: String,
        is_dry: bool,
    },
    ExportInventory {
        org: Option<String>,
        form: Form,
    },
    /// Set a model's threshold from a healthy range; times are ISO-8601.
    Calibrate {
        org: Option<String>,
        model: i32,
        from: String,
        to: String,
        percentile: f64,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Org(OrgLine),
    Orgs(Vec<OrgLine>),
    User(UserLine),
    Users(Vec<UserLine>),
    /// The only time the secret is to be had.
    NewKey {
        key: KeyLine,
        secret: String,
    },
    Key(KeyLine),
    Keys(Vec<KeyLine>),
    Stream {
        id: i32,
    },
    /// So many files were replaced.
    Compacted {
        files: usize,
    },
    Verified(Box<Report>),
    BackedUp(BackedUp),
    /// What importing devices and streams changed, or would.
    Inventory(Box<Review>),
    /// A file of devices and streams.
    File {
        text: String,
    },
    /// A model's threshold, and the windows it stands on.
    Calibrated {
        threshold: f64,
        windows: usize,
    },
}

/// One line of what a server tells while it runs a command; `Done` or `Failed` is the last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Progress(Step),
    Done(Outcome),
    Failed { kind: Kind, message: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgLine {
    pub id: i32,
    pub slug: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLine {
    pub id: i32,
    pub name: String,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub enabled: bool,
    /// ISO-8601.
    pub created_at: String,
}

/// A key as it may be shown. Times are ISO-8601; a missing list of ids means no restriction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLine {
    pub id: i32,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub devices: Option<Vec<i32>>,
    pub data: Option<Vec<i32>>,
    pub enabled: bool,
    pub created_at: String,
    pub last_used_at: Option<String>,
}

impl App {
    /// Runs one command. Only for `Caller::System`; everybody else is refused before anything is looked at.
    /// `progress` is told by those that can take long.
    pub async fn run_command(
        &self,
        principal: &Principal,
        command: Command,
        progress: &Progress,
    ) -> Result<Outcome> {
        let principal = &told_as(principal, command.name());
        Ok(match command {
            Command::CreateOrg { slug, name } => {
                Outcome::Org(org_line(&self.create_org(principal, &slug, name.as_deref()).await?))
            }
            Command::ListOrgs => Outcome::Orgs(self.orgs(principal)?.iter().map(org_line).collect()),
            Command::User { org, command } => {
                let there = self.in_org(principal, org.as_deref())?;
                self.run_user_command(&there, command).await?
            }
            Command::CreateKey { org, key } => {
                let there = self.in_org(principal, org.as_deref())?;
                let (key, secret) = self.create_key(&there, &key).await?;
                Outcome::NewKey { key: key_line(&key), secret }
            }
            Command::ListKeys { org } => {
                let there = self.in_org(principal, org.as_deref())?;
                Outcome::Keys(self.keys(&there)?.iter().map(key_line).collect())
            }
            Command::RevokeKey { org, id } => {
                let there = self.in_org(principal, org.as_deref())?;
                Outcome::Key(key_line(&self.revoke_key(&there, KeyId(id)).await?))
            }
            Command::Compact => {
                require_system(principal)?;
                Outcome::Compacted { files: self.store.compact(progress).await? }
            }
            Command::Verify => Outcome::Verified(Box::new(self.verify(principal, progress).await?)),
            Command::Backup { dest } => {
                let done = self.backup(principal, &dest, progress).await?;
                self.audit(principal, Change::new(Action::Run, "backup", None)).await?;
                Outcome::BackedUp(done)
            }
            Command::Calibrate { org, model, from, to, percentile } => {
                let there = self.in_org(principal, org.as_deref())?;
                let time = |name: &'static str, text: &str| {
                    Micros::parse(text).ok_or_else(|| Error::field(name, format!("`{text}` is no time")))
                };
                let (from, to) = (time("from", &from)?, time("to", &to)?);
                let asked = Calibration { from, to, percentile };
                let (threshold, windows) = self.calibrate_model(&there, ModelId(model), asked).await?;
                Outcome::Calibrated { threshold, windows }
            }
            Command::FindStream { org, device, stream, create } => {
                let there = self.in_org(principal, org.as_deref())?;
                let kind = create.map(|kind| kind.parse()).transpose()?;
                Outcome::Stream { id: self.find_stream(&there, &device, &stream, kind).await?.0 }
            }
            Command::ImportInventory { org, form, text, is_dry } => {
                let there = self.in_org(principal, org.as_deref())?;
                Outcome::Inventory(Box::new(self.import_inventory(&there, form, text, is_dry).await?))
            }
            Command::ExportInventory { org, form } => {
                let there = self.in_org(principal, org.as_deref())?;
                Outcome::File { text: self.export_inventory(&there, form)? }
            }
        })
    }

    async fn run_user_command(&self, principal: &Principal, command: UserCommand) -> Result<Outcome> {
        let user = match command {
            UserCommand::List => {
                return Ok(Outcome::Users(self.users(principal)?.iter().map(user_line).collect()));
            }
            UserCommand::Create(user) => self.create_user(principal, user).await?,
            UserCommand::SetPassword { name, password } => {
                self.set_password(principal, &name, password).await?
            }
            UserCommand::SetRole { name, is_staff, is_superuser } => {
                let (is_staff, is_superuser) = (Some(is_staff), Some(is_superuser));
                let change = UserChange { is_staff, is_superuser, enabled: None };
                self.update_user(principal, &name, change).await?
            }
            UserCommand::Enable { name, is_enabled } => {
                let change = UserChange { enabled: Some(is_enabled), ..UserChange::default() };
                self.update_user(principal, &name, change).await?
            }
            UserCommand::Delete { name } => self.delete_user(principal, &name).await?,
        };
        Ok(Outcome::User(user_line(&user)))
    }

    async fn find_stream(
        &self,
        principal: &Principal,
        device: &str,
        stream: &str,
        create: Option<StreamKind>,
    ) -> Result<StreamId> {
        require_system(principal)?;
        let catalog = self.store.catalog();
        let by_name = DeviceFilter { name: Some(device.to_owned()), ..DeviceFilter::default() };
        let owner = match (catalog.devices(principal, &by_name).first(), create) {
            (Some(known), _) => known.id,
            (None, Some(_)) => {
                // Nothing polls it: its values come from the file.
                let mut spec = DeviceSpec::new(device, Protocol::Virtual);
                spec.poll_interval_s = None;
                catalog.create_device(principal, spec).await?.id
            }
            (None, None) => return Err(no_device(device)),
        };
        let by_name =
            StreamFilter { device: Some(owner), name: Some(stream.to_owned()), ..StreamFilter::default() };
        match (catalog.streams(principal, &by_name).first(), create) {
            (Some(known), _) => Ok(known.id),
            (None, Some(kind)) => {
                let spec = StreamSpec { kind, ..StreamSpec::new(stream, owner) };
                Ok(catalog.create_stream(principal, spec).await?.id)
            }
            (None, None) => Err(no_stream(device, stream)),
        }
    }
}

impl Command {
    /// As it is typed, for the audit log.
    fn name(&self) -> &'static str {
        match self {
            Command::CreateOrg { .. } => "basalt org create",
            Command::ListOrgs => "basalt org list",
            Command::User { command, .. } => command.name(),
            Command::CreateKey { .. } => "basalt key create",
            Command::ListKeys { .. } => "basalt key list",
            Command::RevokeKey { .. } => "basalt key revoke",
            Command::Compact => "basalt compact",
            Command::Verify => "basalt verify",
            Command::Backup { .. } => "basalt backup",
            Command::FindStream { .. } | Command::ImportInventory { .. } => "basalt import",
            Command::ExportInventory { .. } => "basalt export",
            Command::Calibrate { .. } => "basalt calibrate",
        }
    }
}

/// The principal, whose changes are told as the command's rather than as those of the request that brought it.
fn told_as(principal: &Principal, command: &str) -> Principal {
    let from = principal.origin.as_deref();
    let request_id = from.map(|origin| origin.request_id.as_str()).unwrap_or_default();
    let origin = Origin::new(command, from.and_then(|origin| origin.address), request_id);
    principal.clone().asking_from(&Arc::new(origin))
}

/// A device that a file is meant for is not there.
pub fn no_device(name: &str) -> Error {
    Error::field("device", format!("there is no device `{name}`; --create makes it"))
}

/// A stream that a file is meant for is not there.
pub fn no_stream(device: &str, name: &str) -> Error {
    Error::field("name", format!("device `{device}` has no stream `{name}`; --create makes it"))
}

fn org_line(org: &Arc<Org>) -> OrgLine {
    OrgLine { id: org.id.0, slug: org.slug.clone(), name: org.name.clone() }
}

fn user_line(user: &Arc<User>) -> UserLine {
    UserLine {
        id: user.id.0,
        name: user.name.clone(),
        is_staff: user.is_staff,
        is_superuser: user.is_superuser,
        enabled: user.enabled,
        created_at: user.created_at.to_iso(),
    }
}

fn key_line(key: &Arc<Key>) -> KeyLine {
    KeyLine {
        id: key.id.0,
        name: key.spec.name.clone(),
        prefix: key.secret.prefix.clone(),
        scopes: key.spec.scopes.iter().map(|s| s.to_string()).collect(),
        devices: key.spec.devices.as_ref().map(|ids| ids.iter().map(|id| id.0).collect()),
        data: key.spec.streams.as_ref().map(|ids| ids.iter().map(|id| id.0).collect()),
        enabled: key.enabled,
        created_at: key.created_at.to_iso(),
        last_used_at: key.last_used_at.map(|at| at.to_iso()),
    }
}
