//! Plans of the MK platform, as the configuration writes them: `NAME:DEVICES:READINGS:STORAGE`, with commas between.

use super::units::parse_size;
use crate::domain::billing::{Plan, PlanLimits, UNLIMITED};
use crate::domain::org::slug_problems;

pub(super) const PLANS_FORMAT: &str = "plans such as \"starter:10:1000000:10GiB\" (name, devices, readings a month and storage; - is no limit), \
     with different names and none `unlimited`";
/// Text for no limit.
const NO_LIMIT: &str = "-";
/// Limits beyond what JSON numbers hold exactly are refused.
const MAX_COUNT: u64 = 1 << 53;

/// Reads plans; `None` when one of them is not valid.
pub(super) fn parse_plans(text: &str) -> Option<Vec<Plan>> {
    let mut plans: Vec<Plan> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let plan = parse_plan(part)?;
        if plans.iter().any(|known| known.name == plan.name) {
            return None;
        }
        plans.push(plan);
    }
    Some(plans)
}

fn parse_plan(text: &str) -> Option<Plan> {
    let [name, devices, readings, storage] =
        <[&str; 4]>::try_from(text.split(':').collect::<Vec<_>>()).ok()?;
    if name == UNLIMITED || !slug_problems(name).is_empty() {
        return None;
    }
    let limits = PlanLimits {
        devices: limit(devices, |text| text.parse().ok())?,
        readings_per_month: limit(readings, |text| text.parse().ok())?,
        storage_bytes: limit(storage, parse_size)?,
    };
    Some(Plan { name: name.to_owned(), limits })
}

/// A limit; the outer `None` is a text that is not valid.
fn limit(text: &str, parse: impl Fn(&str) -> Option<u64>) -> Option<Option<u64>> {
    match text.trim() {
        NO_LIMIT => Some(None),
        text => parse(text).filter(|number| *number <= MAX_COUNT).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_or_refused() {
        let limits = |devices, readings_per_month, storage_bytes| PlanLimits {
            devices,
            readings_per_month,
            storage_bytes,
        };
        let plan = |name: &str, limits| Plan { name: name.to_owned(), limits };
        let starter = || plan("starter", limits(Some(10), Some(1_000_000), Some(10 << 30)));
        let rows = [
            ("", Some(vec![])),
            ("starter:10:1000000:10GiB", Some(vec![starter()])),
            (
                "starter:10:1000000:10GiB, plant:-:-:-",
                Some(vec![starter(), plan("plant", limits(None, None, None))]),
            ),
            ("none:0:0:1", Some(vec![plan("none", limits(Some(0), Some(0), Some(1)))])),
            ("starter", None),
            ("starter:10:10:10:10", None),
            ("unlimited:-:-:-", None),
            ("Starter:-:-:-", None),
            ("starter:-1:-:-", None),
            ("starter:ten:-:-", None),
            ("starter:-:99999999999999999999:-", None),
            ("starter:-:-:10 pounds", None),
            ("a:-:-:-,a:1:1:1", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_plans(text), expected, "{text}");
        }
    }
}
