//! What may be typed about organizations, people and keys.

use clap::{Args, Subcommand};

use super::{InOrg, Place};

#[derive(Subcommand)]
pub enum Org {
    /// Make an organization
    Create {
        /// Lower-case letters, digits and hyphens
        slug: String,
        /// What it is called [default: the slug]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Show all organizations
    List {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Subcommand)]
pub enum User {
    /// Make a person; without --password-stdin a password is made up and printed once
    Create {
        name: String,
        /// May log in to the administration
        #[arg(long)]
        staff: bool,
        /// May do everything
        #[arg(long)]
        superuser: bool,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        org: InOrg,
        #[command(flatten)]
        place: Place,
    },
    /// Show the people of an organization
    List {
        #[command(flatten)]
        org: InOrg,
        #[command(flatten)]
        place: Place,
    },
    /// Give a person another password and end their sessions; without --password-stdin one is made up and printed once
    Passwd {
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        org: InOrg,
        #[command(flatten)]
        place: Place,
    },
    /// Say what a person is; with neither flag they may not log in
    Role {
        name: String,
        /// May log in to the administration
        #[arg(long)]
        staff: bool,
        /// May do everything
        #[arg(long)]
        superuser: bool,
        #[command(flatten)]
        org: InOrg,
        #[command(flatten)]
        place: Place,
    },
    /// Let a person log in again
    Enable(Person),
    /// Let a person log in no more and end their sessions
    Disable(Person),
    /// Delete a person and end their sessions
    Delete(Person),
}

#[derive(Args)]
pub struct Person {
    pub name: String,
    #[command(flatten)]
    pub org: InOrg,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Subcommand)]
pub enum Key {
    /// Make a key and print it, this once, on standard output
    Create(KeyCreate),
    /// Show the keys of an organization, never their secrets
    List {
        #[command(flatten)]
        org: InOrg,
        #[command(flatten)]
        place: Place,
    },
    /// Disable a key
    Revoke {
        id: i32,
        #[command(flatten)]
        org: InOrg,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
pub struct KeyCreate {
    /// What it is for
    #[arg(long)]
    pub name: String,
    /// What it may do, such as value:read; repeatable [default: everything]
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// Restrict it to this device; repeatable
    #[arg(long = "device", value_name = "ID", value_delimiter = ',')]
    pub devices: Vec<i32>,
    /// Restrict it to this stream; repeatable
    #[arg(long = "data", value_name = "ID", value_delimiter = ',')]
    pub data: Vec<i32>,
    #[command(flatten)]
    pub org: InOrg,
    #[command(flatten)]
    pub place: Place,
}
