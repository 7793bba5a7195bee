//! The fields of a terminal grant, and of the request that redeems it.

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence::{Optional, Required};
use crate::app::terminal::TerminalGrants;
use crate::domain::grant::{Grant, GrantSpec};
use crate::domain::{Principal, Result};

fn read_grant(fields: &mut FieldReader, spec: &mut GrantSpec) {
    // All fields by name: one that is missing here does not compile.
    let GrantSpec { terminal_id, host_id, interactive, allowed_presets } = spec;
    fields.read("terminal_id", Required, ANY_LENGTH, terminal_id);
    fields.read("host_id", Required, ANY_LENGTH, host_id);
    fields.read("interactive", Optional, (), interactive);
    fields.texts("allowed_presets", allowed_presets);
}

impl TerminalGrants {
    /// Issues a grant and returns it with its token.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn issue_grant_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<(Grant, String)> {
        self.check_may_grant(principal)?;
        let mut spec = GrantSpec::default();
        read_grant(&mut fields, &mut spec);
        fields.finish(spec.problems())?;
        self.issue_grant(principal, spec).await
    }

    /// Redeems the token in the field `token` and returns its grant.
    ///
    /// # Errors
    /// `Invalid` naming the field; otherwise the errors of [`TerminalGrants::redeem_grant`].
    pub async fn redeem_grant_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Grant> {
        self.check_may_grant(principal)?;
        let mut token = String::new();
        fields.read("token", Required, ANY_LENGTH, &mut token);
        fields.finish(Vec::new())?;
        self.redeem_grant(principal, &token).await
    }
}
