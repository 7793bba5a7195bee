//! Node ids: accepted forms, canonical form, and refused texts with the reason.

use proptest::prelude::*;

use super::*;

#[test]
fn what_people_write_is_read_and_written_again() {
    for (given, canonical, id) in [
        ("i=2258", "i=2258", NodeId::new(0, 2258u32)),
        ("ns=0;i=85", "i=85", NodeId::new(0, 85u32)),
        ("ns=2;s=Temp", "ns=2;s=Temp", NodeId::new(2, "Temp")),
        ("ns=2;s=Line 1;a=b.c", "ns=2;s=Line 1;a=b.c", NodeId::new(2, "Line 1;a=b.c")),
        ("s=ns=3;i=4", "s=ns=3;i=4", NodeId::new(0, "ns=3;i=4")),
        ("ns=65535;i=4294967295", "ns=65535;i=4294967295", NodeId::new(u16::MAX, u32::MAX)),
        ("ns=1;b=AQID", "ns=1;b=AQID", NodeId::new(1, ByteString::from(vec![1, 2, 3]))),
        (
            "ns=1;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63",
            "ns=1;g=72962b91-fa75-4ae6-8d28-b404dc7daf63",
            NodeId::new(1, Guid::from("72962b91-fa75-4ae6-8d28-b404dc7daf63".parse::<Uuid>().unwrap())),
        ),
    ] {
        let path: NodePath = given.parse().unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(path.to_string(), canonical, "{given}");
        assert_eq!(path.resolve(&[]), Ok(id), "{given}");
    }
}

#[test]
fn a_uri_is_looked_up_in_the_servers_namespaces() {
    let namespaces = ["http://opcfoundation.org/UA/", "urn:a;b%c", "urn:line"].map(str::to_owned);
    for (given, id) in [
        ("nsu=urn:line;s=Temp", Ok(NodeId::new(2, "Temp"))),
        ("nsu=urn:a%3Bb%25c;i=7", Ok(NodeId::new(1, 7u32))),
        ("nsu=urn:other;i=7", Err("the server has no namespace urn:other".to_owned())),
    ] {
        let path: NodePath = given.parse().unwrap();
        assert_eq!(path.resolve(&namespaces), id, "{given}");
        assert_eq!(path.to_string(), given);
    }
}

#[test]
fn what_is_no_node_id_is_refused_with_the_form() {
    for (given, why) in [
        ("", "no `i="),
        ("Temp", "no `i="),
        ("x=3", "no `i="),
        ("ns=2", "no `;`"),
        ("ns=;i=1", "the namespace is no number"),
        ("ns=+2;i=1", "the namespace is no number"),
        ("ns=65536;i=1", "the namespace is no number"),
        ("ns=2;i=", "`i=` takes a number"),
        ("i=-1", "`i=` takes a number"),
        ("i= 1", "`i=` takes a number"),
        ("i=4294967296", "`i=` takes a number"),
        ("ns=2;s=", "`s=` takes a text"),
        ("g=72962B91", "`g=` takes a GUID"),
        ("b=A", "`b=` takes base64"),
        ("nsu=;i=1", "the namespace is empty"),
        ("nsu=urn:x", "no `;`"),
        ("svr=1;i=1", "no `i="),
    ] {
        let error = given.parse::<NodePath>().expect_err(given).to_string();
        assert!(error.contains(why) && error.contains(FORM), "{given}: {error}");
    }
}

proptest! {
    #[test]
    fn every_text_identifier_survives(text in ".{1,40}", ns: u16) {
        let path = NodePath::from(&NodeId::new(ns, text.as_str()));
        prop_assert_eq!(path.to_string().parse::<NodePath>(), Ok(path));
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        if let Ok(path) = text.parse::<NodePath>() {
            prop_assert_eq!(path.to_string().parse::<NodePath>(), Ok(path));
        }
    }

    #[test]
    fn every_uri_survives(uri in "[ -~]{1,30}") {
        let path = NodePath { namespace: Namespace::Uri(uri.clone()), identifier: Identifier::Numeric(1) };
        prop_assert_eq!(path.to_string().parse::<NodePath>(), Ok(path.clone()));
        prop_assert_eq!(path.resolve(&[uri]), Ok(NodeId::new(0, 1u32)));
    }
}
