//! Licenses: their contents, and whether one is valid on this machine at this time.

use super::Micros;

/// Product name of this program in licenses.
pub const PRODUCT: &str = "basalt";

/// Machine id that matches any machine.
const ANY_MACHINE: &str = "*";

/// Contents of a license whose signature has already been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// Id given by the issuer.
    pub id: String,
    /// Program that the license is for: `PRODUCT`, or it is not valid here.
    pub product: String,
    /// `MachineIdentity::id` of the licensed machine, or `*` for any.
    pub machine_id: String,
    /// Name of the licensee, for display.
    pub customer: String,
    /// Names of licensed features, for display; none is enforced.
    pub features: Vec<String>,
    /// Maximum number of devices over all organizations; `None` is unlimited.
    pub max_devices: Option<usize>,
    /// Start of validity, inclusive; `None` is always.
    pub not_before: Option<Micros>,
    /// End of validity, exclusive; `None` never expires.
    pub expires_at: Option<Micros>,
}

impl License {
    /// Returns why the license is not valid on this machine at `now`, or `None` if it is valid.
    pub fn problem(&self, machine_id: &str, now: Micros) -> Option<String> {
        if self.product != PRODUCT {
            return Some(format!("it is for the product `{}`", self.product));
        }
        if self.machine_id != ANY_MACHINE && self.machine_id != machine_id {
            return Some("it is for another machine".to_owned());
        }
        if let Some(start) = self.not_before.filter(|start| now < *start) {
            return Some(format!("it holds from {start} on"));
        }
        let end = self.expires_at.filter(|end| now >= *end)?;
        Some(format!("it ended {end}"))
    }
}

/// Result of the last license check. Without a valid license the server runs in evaluation mode and refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LicenseState {
    /// There is no license file.
    Absent,
    /// There is a license file, but it is not valid; holds the reason.
    Invalid(String),
    /// The license file is valid on this machine at the time of the check.
    Valid(License),
}

impl LicenseState {
    /// The license, if valid.
    pub fn license(&self) -> Option<&License> {
        match self {
            LicenseState::Valid(license) => Some(license),
            LicenseState::Absent | LicenseState::Invalid(_) => None,
        }
    }

    /// The reason, if invalid.
    pub fn problem(&self) -> Option<&str> {
        match self {
            LicenseState::Invalid(problem) => Some(problem),
            LicenseState::Absent | LicenseState::Valid(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_license_holds_for_its_product_machine_and_time() {
        let license = |change: fn(&mut License)| {
            let mut license = License {
                id: "L1".into(),
                product: PRODUCT.into(),
                machine_id: "m".into(),
                customer: "c".into(),
                features: Vec::new(),
                max_devices: None,
                not_before: Some(Micros(10)),
                expires_at: Some(Micros(20)),
            };
            change(&mut license);
            license
        };
        let rows: [(&str, License, i64, bool); 8] = [
            ("within", license(|_| ()), 15, true),
            ("from_its_first_moment", license(|_| ()), 10, true),
            ("before", license(|_| ()), 9, false),
            ("its_end_is_not_within", license(|_| ()), 20, false),
            ("without_bounds", license(|l| (l.not_before, l.expires_at) = (None, None)), 99, true),
            ("any_machine", license(|l| l.machine_id = "*".into()), 15, true),
            ("another_machine", license(|l| l.machine_id = "n".into()), 15, false),
            ("another_product", license(|l| l.product = "x".into()), 15, false),
        ];
        for (name, license, now, holds) in rows {
            assert_eq!(license.problem("m", Micros(now)).is_none(), holds, "{name}");
        }
    }
}
