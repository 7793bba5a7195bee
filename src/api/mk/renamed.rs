//! Names of the platform for fields that the core knows by other names.

use crate::domain::{Error, FieldError};

/// Names of fields: the core's, which REST and GraphQL have too, and the platform's. Elements of a list keep their index.
pub type FieldNames = &'static [(&'static str, &'static str)];

/// Gives the fields of problems their names in the platform.
pub fn renamed(problems: Vec<FieldError>, names: FieldNames) -> Vec<FieldError> {
    let rename =
        |problem: FieldError| FieldError { field: platform_name(&problem.field, names).into(), ..problem };
    problems.into_iter().map(rename).collect()
}

/// Gives the fields of an error their names in the platform.
pub fn renamed_error(error: Error, names: FieldNames) -> Error {
    let mut error = error;
    error.fields = renamed(std::mem::take(&mut error.fields), names);
    error
}

fn platform_name(field: &str, names: FieldNames) -> String {
    for (core, platform) in names {
        match field.strip_prefix(core) {
            Some("") => return (*platform).to_owned(),
            Some(rest) if rest.starts_with('[') => return format!("{platform}{rest}"),
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
        let names: FieldNames = &[("recipients", "config.to"), ("url", "config.url")];
        let rows = [
            ("recipients", "config.to"),
            ("recipients[3]", "config.to[3]"),
            ("url", "config.url"),
            ("urls", "urls"),
            ("name", "name"),
        ];
        for (core, platform) in rows {
            let found = renamed(vec![FieldError::new(core, "is wrong")], names);
            assert_eq!(found, [FieldError::new(platform, "is wrong")], "{core}");
        }
    }
}
