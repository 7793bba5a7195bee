//! Names of streams that are made of a metric and its labels: `metric,key=value,…`, sorted by key. Pure.

/// Maximum labels of a series. Each takes two characters of a name at least, and names have at most 200.
pub const MAX_LABELS: usize = 100;
/// Maximum length of a name that is built: 200 characters of four bytes.
const MAX_NAME_BYTES: usize = 800;

/// Builds the name of a stream. Labels whose value is empty are absent.
///
/// # Errors
/// No metric, a label that is repeated, and more labels or longer ones than a name can hold. Labels may be a few bytes that
/// refer to long texts, so a name is not built beyond its limit.
pub fn stream_name(metric: &str, labels: &mut Vec<(&str, &str)>) -> Result<String, String> {
    if metric.is_empty() {
        return Err("has no name of its metric".to_owned());
    }
    labels.retain(|(_, value)| !value.is_empty());
    let bytes = labels.iter().map(|(key, value)| key.len() + value.len() + 2).sum::<usize>() + metric.len();
    if labels.len() > MAX_LABELS || bytes > MAX_NAME_BYTES {
        return Err(too_long(metric));
    }
    labels.sort_unstable();
    if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("has the label `{}` twice", pair[0].0));
    }
    let mut name = String::with_capacity(bytes);
    name.push_str(metric);
    for (key, value) in labels {
        name.extend([",", key, "=", value]);
    }
    Ok(name)
}

fn too_long(metric: &str) -> String {
    let shown: String = metric.chars().take(60).collect();
    format!("`{shown}` and its labels are longer than the 200 characters that a name of a stream has")
}

#[cfg(test)]
mod tests {
    use super::stream_name;

    #[test]
    fn labels_are_sorted_and_bounded() {
        let long = "x".repeat(800);
        type Labels<'a> = &'a [(&'a str, &'a str)];
        let rows: [(&str, Labels, Result<&str, &str>); 7] = [
            ("up", &[], Ok("up")),
            ("up", &[("b", "2"), ("a", "1")], Ok("up,a=1,b=2")),
            ("up", &[("a", ""), ("b", "é, =")], Ok("up,b=é, =")),
            ("", &[("a", "1")], Err("no name")),
            ("up", &[("a", "1"), ("a", "2")], Err("twice")),
            ("up", &[("a", &long)], Err("200 characters")),
            (&long[..799], &[("a", "1")], Err("200 characters")),
        ];
        for (metric, labels, expected) in rows {
            match (stream_name(metric, &mut labels.to_vec()), expected) {
                (Ok(name), Ok(expected)) => assert_eq!(name, expected),
                (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{problem}"),
                (found, _) => panic!("{metric} {labels:?}: {found:?}"),
            }
        }
        let many: Vec<_> = (0..101).map(|_| ("a", "1")).collect();
        assert!(stream_name("m", &mut many.clone()).unwrap_err().contains("200 characters"));
    }
}
