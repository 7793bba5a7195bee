//! The fields of the requests that join and leave a Hamachi network.

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence;
use crate::app::hamachi::Hamachi;
use crate::domain::hamachi::JoinOutcome;
use crate::domain::{Principal, Result};

impl Hamachi {
    /// Joins the network that the fields name, and returns its name.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Hamachi::join`].
    pub async fn join_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<(String, JoinOutcome)> {
        self.check_may_change(principal)?;
        let (mut network, mut password) = (String::new(), None);
        fields.read("network", Presence::Required, ANY_LENGTH, &mut network);
        fields.text_or_null("password", &mut password);
        let password = password.unwrap_or_default();
        fields.finish(self.problems(&network, &password))?;
        let joined = self.join(principal, &network, &password).await?;
        Ok((network, joined))
    }

    /// Leaves `network`, unless the fields name another.
    ///
    /// # Errors
    /// `Invalid` naming the field; otherwise the errors of [`Hamachi::leave`].
    pub async fn leave_from_fields(
        &self,
        principal: &Principal,
        mut network: String,
        mut fields: FieldReader,
    ) -> Result<()> {
        self.check_may_change(principal)?;
        fields.read("network", Presence::Required, ANY_LENGTH, &mut network);
        fields.finish(self.problems(&network, ""))?;
        self.leave(principal, &network).await
    }
}
