//! Refusals of requests that join registers: whether one may be of a part of the request. Pure.

use crate::collect::fault::{DeviceFault, RefusalKind};

/// Whether a refusal may be of a part of the request, if the device gives the values of others.
pub(super) fn may_be_of_a_part(fault: &DeviceFault) -> bool {
    refusal(fault).is_some_and(|meaning| meaning != RefusalKind::DeviceUnreachable)
}

/// Whether a refusal is of registers by its meaning, and so may be of a part of the request only. `is_shared` says that the
/// request names several blocks.
pub(super) fn is_of_a_part(fault: &DeviceFault, is_shared: bool) -> bool {
    match refusal(fault) {
        Some(RefusalKind::NoSuchRegister | RefusalKind::InvalidCountOrValue | RefusalKind::Failed) => true,
        Some(RefusalKind::NoSuchCommand) => is_shared,
        Some(RefusalKind::Busy | RefusalKind::DeviceUnreachable | RefusalKind::Other) | None => false,
    }
}

/// Meaning of a refusal; `None` for a fault that is none.
pub(super) fn refusal(fault: &DeviceFault) -> Option<RefusalKind> {
    match fault {
        DeviceFault::Refused { meaning, .. } => Some(*meaning),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::fault::{DeviceErrorCode, ErrorCodeFormat};

    #[test]
    fn a_refusal_is_of_a_part_by_its_meaning_or_where_others_have_values() {
        let format = ErrorCodeFormat { name: "code", hex_digits: 2, is_named_in_decimal: false };
        for (meaning, shared, alone, may_be) in [
            (RefusalKind::NoSuchRegister, true, true, true),
            (RefusalKind::InvalidCountOrValue, true, true, true),
            (RefusalKind::Failed, true, true, true),
            (RefusalKind::NoSuchCommand, true, false, true),
            (RefusalKind::Busy, false, false, true),
            (RefusalKind::Other, false, false, true),
            (RefusalKind::DeviceUnreachable, false, false, false),
        ] {
            let code = DeviceErrorCode { number: 1, format };
            let fault = DeviceFault::Refused { code, words: "refused", meaning };
            let found = (is_of_a_part(&fault, true), is_of_a_part(&fault, false), may_be_of_a_part(&fault));
            assert_eq!(found, (shared, alone, may_be), "{meaning:?}");
        }
        let lost = DeviceFault::Closed { address: "plc".to_owned(), reason: "gone".to_owned() };
        assert!(!is_of_a_part(&lost, true) && !may_be_of_a_part(&lost), "a loss is no refusal");
    }
}
