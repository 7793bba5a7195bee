//! Arguments of the administration commands: `org`, `user`, `key`, `client`, `ca` and `cluster`.

use clap::{Args, Subcommand};

use super::target::{DataDirArgs, OrgArgs, RemoteArgs};

#[derive(Subcommand)]
pub enum OrgSubcommand {
    /// Create an organization
    Create {
        /// Lower-case letters, digits and hyphens
        slug: String,
        /// Display name [default: the slug]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// List all organizations
    List {
        #[command(flatten)]
        place: DataDirArgs,
    },
}

#[derive(Subcommand)]
pub enum UserSubcommand {
    /// Create a user; without --password-stdin a password is generated and printed once
    Create {
        name: String,
        #[command(flatten)]
        role: RoleArgs,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// List the users of an organization
    List {
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Replace a user's password and end their sessions; without --password-stdin one is generated and printed once
    Passwd {
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Set a user's role and end their sessions; with no flag the user may not log in
    Role {
        name: String,
        #[command(flatten)]
        role: RoleArgs,
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Allow a user to log in again
    Enable(UserArgs),
    /// Block a user from logging in and end their sessions
    Disable(UserArgs),
    /// Delete a user and end their sessions
    Delete(UserArgs),
}

#[derive(Args)]
pub struct RoleArgs {
    /// May read and change everything but users, keys, clients and the audit log
    #[arg(long)]
    pub staff: bool,
    /// May do everything (superuser)
    #[arg(long)]
    pub superuser: bool,
    /// May read everything and change nothing
    #[arg(long)]
    pub viewer: bool,
}

#[derive(Args)]
pub struct UserArgs {
    pub name: String,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Subcommand)]
pub enum KeySubcommand {
    /// Create an API key and print it on standard output, this once
    Create(CreateKeyArgs),
    /// List the API keys of an organization, without their secrets
    List {
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Disable an API key
    Revoke {
        id: i32,
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
}

#[derive(Args)]
pub struct CreateKeyArgs {
    /// Name of the key, such as what it is used for
    #[arg(long)]
    pub name: String,
    /// Scope to grant, such as value:read; repeatable [default: everything]
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// Restrict the key to this device; repeatable
    #[arg(long = "device", value_name = "ID", value_delimiter = ',')]
    pub devices: Vec<i32>,
    /// Restrict the key to this stream; repeatable
    #[arg(long = "data", value_name = "ID", value_delimiter = ',')]
    pub data: Vec<i32>,
    /// Refuse the key from this time on, such as 2027-01-31 or 2027-01-31T06:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Subcommand)]
pub enum ClientSubcommand {
    /// Create a client and print its credentials on standard output, this once
    Create(CreateClientArgs),
    /// List the clients of an organization, without their secrets
    List {
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Disable a client and end its tokens
    Revoke {
        client_id: String,
        /// API of the client, where one of each API has this id
        #[arg(long, value_name = "API")]
        api: Option<String>,
        #[command(flatten)]
        org: OrgArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
}

#[derive(Args)]
pub struct CreateClientArgs {
    /// API that the client calls: instathings, blynk or mk
    #[arg(long, value_name = "API")]
    pub api: String,
    /// Name of the client, such as what it is used for
    #[arg(long)]
    pub name: String,
    /// User for whom a Blynk client acts [default: the organization]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Role: viewer, org-viewer, operator, importer or admin of Blynk; admin, member or readonly of MK [default:
    /// viewer with --user, else everything]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Subcommand)]
pub enum CaSubcommand {
    /// Show the authorities whose certificates are trusted
    Show {
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Make a new authority, which signs from now on; earlier ones are trusted until their certificates expire
    Rotate {
        #[command(flatten)]
        place: DataDirArgs,
    },
}

#[derive(Subcommand)]
pub enum ClusterSubcommand {
    /// List the nodes, with whether each runs, and how far the data is; a silent node is listed for a day
    Status {
        #[command(flatten)]
        elsewhere: RemoteArgs,
        #[command(flatten)]
        place: DataDirArgs,
    },
}
