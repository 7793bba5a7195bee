//! Terminal grants: single-use, short-lived permissions to open one terminal.

use uuid::Uuid;

use super::validation::check_text;
use super::{FieldError, Micros};

/// Maximum number of presets in a grant.
const MAX_PRESETS: usize = 32;

/// Content of a grant: which terminal on which host, and what may be done there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantSpec {
    /// 1..=128 characters.
    pub terminal_id: String,
    /// 1..=128 characters.
    pub host_id: String,
    /// Whether keys may be typed.
    pub interactive: bool,
    /// Presets that may be run without typing: at most 32, each of 1..=64 characters.
    pub allowed_presets: Vec<String>,
}

impl GrantSpec {
    /// Checks lengths and counts; returns the fields that are wrong.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "terminal_id", &self.terminal_id, 1, 128);
        check_text(&mut found, "host_id", &self.host_id, 1, 128);
        if self.allowed_presets.len() > MAX_PRESETS {
            let message = format!("Ensure this field has no more than {MAX_PRESETS} elements.");
            found.push(FieldError::new("allowed_presets", message));
        } else {
            let mut wrong = Vec::new();
            for preset in &self.allowed_presets {
                check_text(&mut wrong, "allowed_presets", preset, 1, 64);
            }
            found.extend(wrong.into_iter().take(1));
        }
        found
    }
}

/// A grant as issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Random id, by which the grant is used only once.
    pub id: Uuid,
    /// Content of the grant.
    pub spec: GrantSpec,
    /// The requester: the id of a key, or for any other caller its kind and id, such as `user:3`.
    pub subject: String,
    /// Issue time. This and `expires_at` are whole seconds, as in the token.
    pub issued_at: Micros,
    /// Time from which the grant is refused.
    pub expires_at: Micros,
}
