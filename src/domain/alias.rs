//! Further identifiers of a device, under which systems of other vendors know it.

use uuid::Uuid;

/// Further identifiers of a device, besides its row id: assigned at creation and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceAliases {
    /// For systems that identify devices by UUID; version 4.
    pub uuid: Uuid,
    /// 7..=14 characters of `A-Z a-z 0-9 _ -`, unique over all organizations.
    pub key: String,
    /// Unique in the organization: the name at creation, with the suffix `-2`, `-3`, … if that is in use.
    pub external_id: String,
}

/// Number of characters of a generated key.
const SHORT_KEY_LEN: usize = 9;

/// The characters of keys: 64, so that each carries 6 bits.
const KEY_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Derives a key of 9 characters, for a device or a command, from the 54 highest random bits of a UUID of version 4.
pub fn short_key(random: Uuid) -> String {
    let bytes = random.as_bytes();
    // Bytes 6 and 8 also hold the version and the variant.
    let random = [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[9]];
    let bits = random.into_iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(byte));
    let character = |at: usize| KEY_ALPHABET[(bits >> (6 * at) & 63) as usize];
    (0..SHORT_KEY_LEN).map(|at| char::from(character(at))).collect()
}

/// Whether a text can be a device key: 7..=14 ASCII letters, digits, `_` and `-`.
pub fn is_device_key(text: &str) -> bool {
    (7..=14).contains(&text.len()) && text.bytes().all(|byte| KEY_ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_can_be_a_key_and_follows_from_the_uuid() {
        let rows = [
            ("zero", Uuid::nil(), "AAAAAAAAA"),
            ("ones", Uuid::max(), "_________"),
            ("lowest", Uuid::from_u128(0x01 << 48), "BAAAAAAAA"),
        ];
        for (name, uuid, expected) in rows {
            assert_eq!(short_key(uuid), expected, "{name}");
            assert!(is_device_key(expected), "{name}");
        }
        let keys: std::collections::BTreeSet<String> = (0..1000).map(|_| short_key(Uuid::new_v4())).collect();
        assert_eq!(keys.len(), 1000);
    }

    #[test]
    fn what_can_be_a_key() {
        let rows = [
            ("seven", "q6NJl1-", true),
            ("of_the_seed", "q6NJl1-_", true),
            ("fourteen", "abcdefghijklmn", true),
            ("six", "abcdef", false),
            ("fifteen", "abcdefghijklmno", false),
            ("a_dot", "abcdef.h", false),
            ("beyond_ascii", "größere", false),
        ];
        for (name, text, expected) in rows {
            assert_eq!(is_device_key(text), expected, "{name}");
        }
    }
}
