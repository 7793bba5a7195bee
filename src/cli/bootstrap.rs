//! Credentials that the operator presets in the environment: read before the data directory is opened, so that a malformed
//! one stops the start, and created at the first start.

use crate::app::App;
use crate::app::access::bootstrap_secret;
use crate::app::client::{client_preset, mk_key_preset};
use crate::domain::Result;
use crate::domain::client::{ClientApi, ClientSecret};

const KEY_VARIABLE: &str = "BASALT_BOOTSTRAP_KEY";

/// Presets a key of the MK platform.
const MK_VARIABLE: &str = "BASALT_BOOTSTRAP_MK";

/// Variables that preset a client as `id:secret`.
const CLIENT_VARIABLES: [(&str, ClientApi); 2] =
    [("BASALT_BOOTSTRAP_INSTATHINGS", ClientApi::Instathings), ("BASALT_BOOTSTRAP_BLYNK", ClientApi::Blynk)];

/// Secrets of at least this length are not guessed.
const MIN_SOUND_SECRET_LEN: usize = 16;

/// The credentials of the environment.
pub struct Bootstrap {
    key: Option<String>,
    clients: Vec<(ClientApi, ClientSecret)>,
}

impl Bootstrap {
    /// Reads the variables.
    ///
    /// # Errors
    /// `Invalid`, naming the variable, when a value cannot be such a credential.
    pub fn from_environment() -> Result<Self> {
        let key = variable(KEY_VARIABLE);
        if let Some(secret) = &key {
            bootstrap_secret(secret)?;
        }
        let mut clients = Vec::new();
        for (name, api) in CLIENT_VARIABLES {
            let Some(text) = variable(name) else { continue };
            let secret = client_preset(name, &text)?;
            if text.len() - secret.client_id.len() - 1 < MIN_SOUND_SECRET_LEN {
                tracing::warn!(
                    "{name}: the secret is shorter than {MIN_SOUND_SECRET_LEN} characters; it may be guessed"
                );
            }
            clients.push((api, secret));
        }
        if let Some(text) = variable(MK_VARIABLE) {
            clients.push((ClientApi::Mk, mk_key_preset(MK_VARIABLE, &text)?));
        }
        Ok(Self { key, clients })
    }

    /// Creates the credentials that do not exist yet.
    pub async fn create(self, app: &App) -> Result<()> {
        if let Some(secret) = self.key {
            app.access.bootstrap(&secret).await?;
        }
        for (api, secret) in self.clients {
            app.clients.bootstrap_client(api, secret).await?;
        }
        Ok(())
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
