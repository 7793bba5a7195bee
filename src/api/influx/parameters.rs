//! Query parameters of the routes, under the names of both versions. Unknown ones are ignored, an empty one is absent, and
//! the last of repeated ones counts.

use url::form_urlencoded;

use crate::app::ingest::line_protocol::timestamp::Precision;
use crate::app::ingest::line_write::LineRequest;
use crate::domain::org::Org;
use crate::domain::{Error, Kind, Result};

/// The parameters that mean something here.
#[derive(Debug, Default)]
pub struct Parameters {
    /// `org` or `orgID`: the organization that the sender takes itself to write to.
    pub org: Option<String>,
    /// `bucket`, or `db` of 1.x.
    pub bucket: Option<String>,
    pub precision: Option<String>,
    /// `atomic`: whether all lines are written, or none.
    pub atomic: Option<String>,
    /// `p`: password of 1.x. It appears in no log, because logs have paths without parameters.
    pub password: Option<String>,
    /// `q`: statement of `/query`.
    pub statement: Option<String>,
}

impl Parameters {
    /// Adds the percent-encoded parameters of a URL or of a form.
    pub fn add(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded).filter(|(_, value)| !value.is_empty()) {
            let parameter = match name.as_ref() {
                "org" | "orgID" => &mut self.org,
                "bucket" | "db" => &mut self.bucket,
                "precision" => &mut self.precision,
                "atomic" => &mut self.atomic,
                "p" => &mut self.password,
                "q" => &mut self.statement,
                _ => continue,
            };
            *parameter = Some(value.into_owned());
        }
    }

    /// Returns what they say of the lines.
    ///
    /// # Errors
    /// `Invalid` for an unknown precision or an `atomic` that is neither `true` nor `false`.
    pub fn line_request(&self) -> Result<LineRequest> {
        let is_atomic = match self.atomic.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(Error::field("atomic", format!("`{other}` is neither `true` nor `false`")));
            }
        };
        let precision = Precision::parse(self.precision.as_deref().unwrap_or_default())?;
        Ok(LineRequest { precision, is_atomic, default_device: self.bucket.clone() })
    }

    /// Checks that `org` is the organization of the key.
    ///
    /// # Errors
    /// `NotFound` for any other name or id.
    pub fn check_org(&self, org: &Org) -> Result<()> {
        let is_own = |name: &String| {
            *name == org.slug || *name == org.name || name.eq_ignore_ascii_case(&org.uuid.to_string())
        };
        match &self.org {
            Some(other) if !is_own(other) => {
                let message =
                    format!("the organization `{other}` is not that of the key, which is `{}`", org.slug);
                Err(Error::new(Kind::NotFound, message))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_the_names_of_both_versions() {
        let rows = [
            ("", Some((Precision::Nanoseconds, false, None))),
            ("db=plant&precision=n&rp=autogen", Some((Precision::Nanoseconds, false, Some("plant")))),
            ("bucket=a&bucket=b&precision=ms", Some((Precision::Milliseconds, false, Some("b")))),
            ("db=a%20b&precision=m&atomic=true", Some((Precision::Minutes, true, Some("a b")))),
            ("precision=days", None),
            ("atomic=1", None),
        ];
        for (query, expected) in rows {
            let mut parameters = Parameters::default();
            parameters.add(query.as_bytes());
            let request = parameters.line_request().ok();
            let found = request.as_ref().map(|r| (r.precision, r.is_atomic, r.default_device.as_deref()));
            assert_eq!(found, expected, "{query}");
        }
    }
}
