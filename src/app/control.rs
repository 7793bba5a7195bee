//! Serializable commands of the data directory's owner: the same whether the command line runs them in its own process
//! or sends them to the server that has the directory open.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::{AccessControl, KeyRequest, require_system};
use super::ai::ModelService;
use super::ai::calibrate::Calibration;
use super::backup::Backups;
use super::certificate::Certificates;
use super::certificate::authority::{AuthorityCommand, AuthorityLine};
use super::client::{ClientCommand, ClientLine, Clients};
use super::core_parts::CoreParts;
use super::inventory::file_command::FileCommand;
use super::inventory::tag_list::{TagListReport, TagLists};
use super::inventory::{ImportReport, InventoryFiles};
use super::user::{UserCommand, Users};
use crate::domain::audit::RequestOrigin;
use crate::domain::key::Key;
use crate::domain::org::{Org, User, UserChange};
use crate::domain::progress::ProgressStep;
use crate::domain::{Error, KeyId, Kind, Micros, ModelId, Principal, Progress, Result};
use crate::store::Store;
use crate::store::backup::BackupSummary;
use crate::store::verify::VerifyReport;

/// A command. `org` is a slug; without one, the principal's own organization is used.
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
    Client {
        org: Option<String>,
        command: ClientCommand,
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
    Ca(AuthorityCommand),
    /// Flushes, then compacts the lake's files.
    Compact,
    /// Reads all stored data and reports what is damaged.
    Verify,
    /// Copies everything into a directory that must not exist or be empty; `dest` is an absolute path.
    Backup {
        dest: PathBuf,
    },
    /// Finds a stream by the names of its device and itself. `create` is the type with which a missing stream is
    /// created; a missing device is created too.
    FindStream {
        org: Option<String>,
        device: String,
        stream: String,
        create: Option<String>,
    },
    File {
        org: Option<String>,
        command: FileCommand,
    },
    /// Sets a model's threshold from a healthy range; times are ISO-8601.
    Calibrate {
        org: Option<String>,
        model: i32,
        from: String,
        to: String,
        percentile: f64,
    },
}

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutcome {
    Org(OrgLine),
    Orgs(Vec<OrgLine>),
    User(UserLine),
    Users(Vec<UserLine>),
    /// A new key; the secret is returned only here.
    NewKey {
        key: KeyLine,
        secret: String,
    },
    Key(KeyLine),
    Keys(Vec<KeyLine>),
    /// A new client; the secret is returned only here.
    NewClient {
        client: ClientLine,
        secret: String,
    },
    Client(ClientLine),
    Clients(Vec<ClientLine>),
    Authorities(Vec<AuthorityLine>),
    Stream {
        id: i32,
    },
    /// Number of files replaced.
    Compacted {
        files: usize,
    },
    Verified(Box<VerifyReport>),
    BackedUp(BackupSummary),
    /// Changes of the import, made or planned.
    Inventory(Box<ImportReport>),
    /// Report of the import of a tag list, made or planned.
    TagList(Box<TagListReport>),
    /// A file of devices and streams.
    File {
        text: String,
    },
    /// A model's new threshold, and the number of windows it was computed from.
    Calibrated {
        threshold: f64,
        windows: usize,
    },
}

/// One line of the server's response to a command; `Done` or `Failed` is the last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandMessage {
    Progress(ProgressStep),
    Done(CommandOutcome),
    Failed { kind: Kind, message: String },
}

/// An organization as the control interface returns it, a line of `org list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgLine {
    pub id: i32,
    pub slug: String,
    pub name: String,
}

/// A user as the control interface returns it, without a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLine {
    pub id: i32,
    pub name: String,
    /// Name of the role.
    pub role: String,
    pub enabled: bool,
    /// ISO-8601.
    pub created_at: String,
}

/// A key without its secret. Times are ISO-8601; no list of ids means no restriction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLine {
    pub id: i32,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub devices: Option<Vec<i32>>,
    pub data: Option<Vec<i32>>,
    pub enabled: bool,
    pub expires_at: Option<String>,
    pub created_at: String,
    pub last_used_at: Option<String>,
}

/// Services that commands call.
pub(super) struct OwnerCalls {
    pub access: Arc<AccessControl>,
    pub backups: Arc<Backups>,
    pub certificates: Arc<Certificates>,
    pub clients: Arc<Clients>,
    pub inventory: Arc<InventoryFiles>,
    pub models: Arc<ModelService>,
    pub tag_lists: Arc<TagLists>,
    pub users: Arc<Users>,
}

/// Commands of the data directory's owner.
pub struct OwnerCommands {
    pub(super) store: Arc<Store>,
    calls: OwnerCalls,
}

impl OwnerCommands {
    pub(super) fn new(parts: &CoreParts, calls: OwnerCalls) -> Self {
        Self { store: parts.store.clone(), calls }
    }

    /// Runs one command. Requires `Caller::System`; everybody else is refused before anything is read. Long commands
    /// report to `progress`.
    pub async fn run_command(
        &self,
        principal: &Principal,
        command: Command,
        progress: &Progress,
    ) -> Result<CommandOutcome> {
        let principal = &with_command_origin(principal, command.name());
        let in_org = |org: Option<String>| self.calls.access.in_org(principal, org.as_deref());
        Ok(match command {
            Command::CreateOrg { slug, name } => CommandOutcome::Org(org_line(
                &self.calls.access.create_org(principal, &slug, name.as_deref()).await?,
            )),
            Command::ListOrgs => {
                CommandOutcome::Orgs(self.calls.access.orgs(principal)?.iter().map(org_line).collect())
            }
            Command::User { org, command } => self.run_user_command(&in_org(org)?, command).await?,
            Command::Client { org, command } => self.run_client_command(&in_org(org)?, command).await?,
            Command::CreateKey { org, key } => {
                let there = in_org(org)?;
                let (key, secret) = self.calls.access.create_key(&there, &key).await?;
                CommandOutcome::NewKey { key: key_line(&key), secret }
            }
            Command::ListKeys { org } => {
                let there = in_org(org)?;
                CommandOutcome::Keys(self.calls.access.keys(&there)?.iter().map(key_line).collect())
            }
            Command::RevokeKey { org, id } => {
                let there = in_org(org)?;
                CommandOutcome::Key(key_line(&self.calls.access.revoke_key(&there, KeyId(id)).await?))
            }
            Command::Ca(command) => CommandOutcome::Authorities(
                self.calls.certificates.run_authority_command(principal, command).await?,
            ),
            Command::Compact => {
                require_system(principal)?;
                CommandOutcome::Compacted { files: self.store.compact(progress).await? }
            }
            Command::Verify => CommandOutcome::Verified(Box::new(self.verify(principal, progress).await?)),
            Command::Backup { dest } => {
                CommandOutcome::BackedUp(self.calls.backups.backup(principal, &dest, progress).await?)
            }
            Command::Calibrate { org, model, from, to, percentile } => {
                let there = in_org(org)?;
                let spec = Calibration { from: time("from", &from)?, to: time("to", &to)?, percentile };
                let (threshold, windows) =
                    self.calls.models.calibrate_model(&there, ModelId(model), spec).await?;
                CommandOutcome::Calibrated { threshold, windows }
            }
            Command::FindStream { org, device, stream, create } => {
                let there = in_org(org)?;
                let kind = create.map(|kind| kind.parse()).transpose()?;
                CommandOutcome::Stream { id: self.find_stream(&there, &device, &stream, kind).await?.0 }
            }
            Command::File { org, command } => self.run_file_command(&in_org(org)?, command).await?,
        })
    }

    async fn run_user_command(&self, principal: &Principal, command: UserCommand) -> Result<CommandOutcome> {
        let user = match command {
            UserCommand::List => {
                return Ok(CommandOutcome::Users(
                    self.calls.users.users(principal)?.iter().map(user_line).collect(),
                ));
            }
            UserCommand::Create(user) => self.calls.users.create_user(principal, user).await?,
            UserCommand::SetPassword { name, password } => {
                self.calls.users.set_password(principal, &name, password).await?
            }
            UserCommand::SetRole { name, is_staff, is_superuser, is_viewer } => {
                let (is_staff, is_superuser, is_viewer) =
                    (Some(is_staff), Some(is_superuser), Some(is_viewer));
                let change = UserChange { is_staff, is_superuser, is_viewer, ..UserChange::default() };
                self.calls.users.update_user(principal, &name, change).await?
            }
            UserCommand::Enable { name, is_enabled } => {
                let change = UserChange { enabled: Some(is_enabled), ..UserChange::default() };
                self.calls.users.update_user(principal, &name, change).await?
            }
            UserCommand::Delete { name } => self.calls.users.delete_user(principal, &name).await?,
        };
        Ok(CommandOutcome::User(user_line(&user)))
    }

    async fn run_file_command(&self, principal: &Principal, command: FileCommand) -> Result<CommandOutcome> {
        Ok(match command {
            FileCommand::Import { form, text, is_dry } => {
                let report = self.calls.inventory.import_inventory(principal, form, text, is_dry).await?;
                CommandOutcome::Inventory(Box::new(report))
            }
            FileCommand::ImportTags { device, text, is_dry } => {
                let report = self.calls.tag_lists.import(principal, &device, text, is_dry).await?;
                CommandOutcome::TagList(Box::new(report))
            }
            FileCommand::Export { form } => {
                CommandOutcome::File { text: self.calls.inventory.export_inventory(principal, form)? }
            }
        })
    }

    async fn run_client_command(
        &self,
        principal: &Principal,
        command: ClientCommand,
    ) -> Result<CommandOutcome> {
        require_system(principal)?;
        Ok(match command {
            ClientCommand::Create(request) => {
                let (client, secret) = self.calls.clients.issue_client(principal, &request).await?;
                CommandOutcome::NewClient { client: self.calls.clients.client_line(&client), secret }
            }
            ClientCommand::List => {
                let clients = self.calls.clients.clients(principal)?;
                CommandOutcome::Clients(
                    clients.iter().map(|client| self.calls.clients.client_line(client)).collect(),
                )
            }
            ClientCommand::Revoke { api, client_id } => {
                let client =
                    self.calls.clients.revoke_client_named(principal, api.as_deref(), &client_id).await?;
                CommandOutcome::Client(self.calls.clients.client_line(&client))
            }
        })
    }
}

impl Command {
    /// Returns the command as it is typed, for the audit log.
    fn name(&self) -> &'static str {
        match self {
            Command::CreateOrg { .. } => "basalt org create",
            Command::ListOrgs => "basalt org list",
            Command::User { command, .. } => command.name(),
            Command::Client { command, .. } => command.name(),
            Command::CreateKey { .. } => "basalt key create",
            Command::ListKeys { .. } => "basalt key list",
            Command::RevokeKey { .. } => "basalt key revoke",
            Command::Ca(command) => command.name(),
            Command::Compact => "basalt compact",
            Command::Verify => "basalt verify",
            Command::Backup { .. } => "basalt backup",
            Command::FindStream { .. } => "basalt import",
            Command::File { command, .. } => command.name(),
            Command::Calibrate { .. } => "basalt calibrate",
        }
    }
}

/// Returns the principal with the command as the origin of its changes, rather than the request that brought the
/// command.
fn with_command_origin(principal: &Principal, command: &str) -> Principal {
    let from = principal.origin.as_deref();
    let request_id = from.map(|origin| origin.request_id.as_str()).unwrap_or_default();
    let origin = RequestOrigin::new(command, from.and_then(|origin| origin.address), request_id);
    principal.clone().with_origin(&Arc::new(origin))
}

fn time(name: &'static str, text: &str) -> Result<Micros> {
    Micros::parse(text).ok_or_else(|| Error::field(name, format!("`{text}` is no time")))
}

fn org_line(org: &Arc<Org>) -> OrgLine {
    OrgLine { id: org.id.0, slug: org.slug.clone(), name: org.name.clone() }
}

fn user_line(user: &Arc<User>) -> UserLine {
    UserLine {
        id: user.id.0,
        name: user.name.clone(),
        role: user.role().name().to_owned(),
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
        expires_at: key.spec.expires_at.map(|end| end.to_iso()),
        created_at: key.created_at.to_iso(),
        last_used_at: key.last_used_at.map(|at| at.to_iso()),
    }
}
