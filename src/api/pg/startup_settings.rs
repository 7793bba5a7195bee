//! Settings that a client gives when it connects, by name or among `options`, as in `-c statement_timeout=5s`.

/// Startup parameters that are no settings; those that begin with `_pq_.` are of the protocol.
const OTHERS: [&str; 4] = ["user", "database", "options", "replication"];

/// Returns names, in small letters, and values of the settings among startup parameters; those of `options` come first.
pub fn of(startup: &[(String, String)]) -> Vec<(String, String)> {
    let options = startup.iter().filter(|(name, _)| name == "options");
    let mut settings: Vec<_> = options.flat_map(|(_, text)| read_options(text)).collect();
    let is_setting = |name: &str| !OTHERS.contains(&name) && !name.starts_with("_pq_.");
    let named = startup.iter().filter(|(name, _)| is_setting(name));
    settings.extend(named.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
    settings
}

/// Reads `-c name=value`, `-cname=value` and `--name=value`. Other options are of PostgreSQL's server program.
fn read_options(text: &str) -> Vec<(String, String)> {
    let mut words = words(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(setting), _) => Some(setting.to_owned()),
            (_, Some("")) => words.next(),
            (_, Some(setting)) => Some(setting.to_owned()),
            _ => None,
        };
        if let Some((name, value)) = setting.as_deref().and_then(|setting| setting.split_once('=')) {
            // As PostgreSQL does: `--search-path` is `search_path`.
            settings.push((name.to_ascii_lowercase().replace('-', "_"), value.to_owned()));
        }
    }
    settings
}

/// Splits at white space, of which a backslash takes the meaning.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_options_and_by_name() {
        let given = [
            ("user", "ann"),
            ("TimeZone", "UTC"),
            ("options", r"-c statement_timeout=5s  --search-path=a\ b -cjit=off -d 5 -c"),
            ("_pq_.x", "1"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected =
            [("statement_timeout", "5s"), ("search_path", "a b"), ("jit", "off"), ("timezone", "UTC")];
        let found = of(&given);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }
}
