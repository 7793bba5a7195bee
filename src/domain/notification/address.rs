//! Addresses of e-mail, as far as mail servers agree on them: `dot-atom` local parts (RFC 5322, section 3.2.3) and host
//! names. Quoted local parts and address literals are left out on purpose.

/// Most characters of an address (RFC 5321, section 4.5.3.1.3: a path of 256 includes its brackets).
pub const MAX_ADDRESS: usize = 254;
/// Most characters before the `@` (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Most characters of a label of a host name (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// Whether a text is the address of a mailbox, such as `ops@plant.example`.
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= MAX_ADDRESS && is_local_part(local) && is_host_name(domain)
}

/// Whether a text is a host name: labels of letters, digits and hyphens with dots between them.
pub fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=MAX_LABEL).contains(&label.len()) && is_plain && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= MAX_ADDRESS && text.split('.').all(is_label)
}

fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.len() <= MAX_LOCAL && local.split('.').all(is_atom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_mailbox_at_a_host() {
        for address in ["ops@plant.example", "a.b+c@x-1.example", "root@localhost", "o'neil@a.b.c.d"] {
            assert!(is_mail_address(address), "{address}");
        }
        let long_local = format!("{}@a.example", "x".repeat(65));
        let long = format!("a@{}", "b.".repeat(130) + "c");
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a b@c.d",
            "a@b..c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@-b.c",
            "a@b-.c",
            "a@b_c.d",
            "a@b@c.d",
            "<a@b.c>",
            "a@b.c\r\nBcc: d@e.f",
            "a,b@c.d",
            "ä@b.c",
            "\"a\"@b.c",
            "a@[127.0.0.1]",
            &long_local,
            &long,
        ] {
            assert!(!is_mail_address(text), "{text}");
        }
    }
}
