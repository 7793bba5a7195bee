//! Arguments that select where a command acts: the installation, the organization, the server of another machine.

use std::path::PathBuf;

use clap::Args;

/// Selects the installation on this machine.
#[derive(Args, Default)]
pub struct DataDirArgs {
    /// Configuration file [default: basalt.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory [default: data/basalt]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Selects the organization within the installation.
#[derive(Args)]
pub struct OrgArgs {
    /// Organization to act in [default: default]
    #[arg(long, value_name = "SLUG")]
    pub org: Option<String>,
}

/// Selects the server of another machine.
#[derive(Args, Default)]
pub struct RemoteArgs {
    /// Server to send the command to, such as http://plant:8000
    #[arg(long, env = "BASALT_URL", requires = "key")]
    pub url: Option<String>,
    /// API key for that server
    #[arg(long, env = "BASALT_KEY", hide_env_values = true)]
    pub key: Option<String>,
}
