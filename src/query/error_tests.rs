//! Tests the messages that callers get when a query fails.

use datafusion::error::DataFusionError as D;

use super::*;

#[test]
fn messages_say_what_is_wrong_without_wrappers() {
    let wrapped = |inner| D::Context("type_coercion".to_owned(), Box::new(inner));
    for (name, error, kind, message) in [
        ("plan", D::Plan("table 'basalt.public.x' not found".into()), Kind::Invalid, "table 'x' not found"),
        ("wrapped", wrapped(D::Plan("bad".into())), Kind::Invalid, "bad"),
        ("not_implemented", D::NotImplemented("X".into()), Kind::Invalid, "not supported: X"),
        (
            "between",
            wrapped(D::Internal("Failed to coerce types Int64 and Utf8 in BETWEEN expression".into())),
            Kind::Invalid,
            "Failed to coerce types Int64 and Utf8 in BETWEEN expression: give values of one type",
        ),
        ("internal_leaks_nothing", D::Internal("assertion".into()), Kind::Internal, "the query failed"),
        ("ours", D::External(Box::new(Error::forbidden("no"))), Kind::Forbidden, "no"),
    ] {
        let found = from_datafusion(error);
        assert_eq!((found.kind, found.message.as_str()), (kind, message), "{name}");
    }
}

/// As the writer of spill files reports it, wrapped in the error of the Arrow writer.
#[test]
fn a_query_that_spills_too_much_is_told_so() {
    let spent = || std::io::Error::other("The used disk space has exceeded the allowable limit of 4 GB.");
    let by_arrow = arrow::error::ArrowError::IoError("write".to_owned(), spent());
    for error in [D::IoError(spent()), D::ArrowError(Box::new(by_arrow), None)] {
        let found = from_datafusion(error);
        assert_eq!(found.kind, Kind::TooLarge);
        assert!(found.message.contains("spill"), "{}", found.message);
    }
}

#[test]
fn a_query_that_cannot_spill_to_a_full_disk_is_told_so() {
    let full = || std::io::Error::other(D::IoError(std::io::Error::from_raw_os_error(28)));
    let by_arrow = arrow::error::ArrowError::IoError("write".to_owned(), full());
    for error in [D::IoError(full()), D::ArrowError(Box::new(by_arrow), None)] {
        let found = from_datafusion(error);
        assert_eq!(found.kind, Kind::Unavailable);
        assert!(found.message.contains("disk is full"), "{}", found.message);
    }
}
