//! Hidden parts of documents: secrets, and rows that a caller does not see.

use super::{DocumentSpec, RowVisibility};
use crate::domain::notification::ChannelSecret;

impl DocumentSpec {
    /// [`DocumentContent::secret`](super::DocumentContent::secret).
    pub fn secret(&self) -> Option<ChannelSecret> {
        self.content().secret()
    }

    /// [`DocumentContent::set_secret`](super::DocumentContent::set_secret).
    pub fn set_secret(&mut self, secret: ChannelSecret) {
        self.content_mut().set_secret(secret);
    }

    /// The content as SQL and the graph show it.
    pub fn public_content(&self) -> DocumentSpec {
        let mut shown = self.clone();
        shown.content_mut().hide_confidential();
        shown
    }

    /// The content without the rows that a caller does not see.
    pub fn visible_content(&self, rows: &dyn RowVisibility) -> DocumentSpec {
        let mut seen = self.clone();
        seen.content_mut().retain_visible(rows);
        seen
    }
}
