//! Fuzz target: certificate signing requests with changed bytes.

use super::pem;
use super::request::tests::{CERTIFIED, REFUSED, to_pem};
use super::request::{CertifiableKey, LABELS};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, text};

/// Seeds are DER, because changed base64 would seldom be read at all.
fn form() -> InputFormat {
    let der = |request| pem::decode(request, &LABELS).expect("a request");
    let good = CERTIFIED.iter().map(|(_, request, _)| der(request));
    let bad = REFUSED.iter().map(|(_, request, _)| der(request));
    InputFormat { seeds: good.chain(bad).collect(), ..InputFormat::default() }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        drop(CertifiableKey::from_request(&to_pem(input)));
        drop(CertifiableKey::from_request(&text(input)));
    })
}

#[test]
fn certificate_requests() {
    FuzzTarget { module: module_path!(), name: "certificate_requests", form, decoder }.run();
}
