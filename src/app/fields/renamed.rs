//! Field names of the domain in the words of our own API: rules that both vocabularies share are told with the names of
//! the MK platform, in camelCase.

use crate::domain::{Error, FieldError};

/// Renames the fields of problems; `names` are pairs of the domain's name and ours, of the field or of a list, whose
/// elements keep their index.
pub fn renamed(problems: Vec<FieldError>, names: &[(&str, &str)]) -> Vec<FieldError> {
    let rename =
        |problem: FieldError| FieldError { field: our_name(&problem.field, names).into(), ..problem };
    problems.into_iter().map(rename).collect()
}

/// As [`renamed`], of an error.
pub fn renamed_error(error: Error, names: &[(&str, &str)]) -> Error {
    let mut error = error;
    error.fields = renamed(std::mem::take(&mut error.fields), names);
    error
}

fn our_name(field: &str, names: &[(&str, &str)]) -> String {
    for (theirs, ours) in names {
        match field.strip_prefix(theirs) {
            Some("") => return (*ours).to_owned(),
            Some(rest) if rest.starts_with('[') => return format!("{ours}{rest}"),
            _ => {}
        }
    }
    field.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_elements_of_lists_are_renamed() {
        let names = [("config.to", "recipients"), ("config.url", "url")];
        let rows = [
            ("config.to", "recipients"),
            ("config.to[3]", "recipients[3]"),
            ("config.url", "url"),
            ("config.urls", "config.urls"),
            ("name", "name"),
        ];
        for (theirs, ours) in rows {
            let found = renamed(vec![FieldError::new(theirs, "is wrong")], &names);
            assert_eq!(found, [FieldError::new(ours, "is wrong")], "{theirs}");
        }
    }
}
