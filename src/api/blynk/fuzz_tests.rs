//! Fuzz test: any bytes as queries, forms and bodies.

use bytes::Bytes;

use super::body::BodyFields;
use super::query::QueryFields;
use super::token::TokenParameters;
use crate::domain::Result;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, text};

const RULES: grammar::Rules = grammar::rules! {
    body = "{<members>}" | "{\"fields\":<names>,\"updates\":[<list>]}" | "{<members>,\"values\":[<list>]}";
    members = "<member>" | "<member>,<members>";
    member = "\"deviceId\":<value>" | "\"dataStreamId\":<value>" | "\"value\":<value>"
        | "\"dataStreams\":[<list>]" | "\"property\":\"color\"" | "\"debug\":<value>";
    names = "[\"deviceId\",\"a\"]" | "[\"deviceId\"]" | "[<list>]";
    list = "<value>" | "<value>,<list>" | "[<list>]" | "{<members>,\"ts\":<value>}";
    value = "1" | "-1" | "1.0" | "1e30" | "18446744073709551615" | "null" | "true" | "\"x\"" | "[1,2]" | "{}";
};

fn generate(random: &mut Random) -> Vec<u8> {
    grammar::write(RULES, "body", random)
}

fn form() -> InputFormat {
    let seeds = [
        r#"{"deviceId":101,"dataStreamId":1,"value":22.2}"#,
        r#"{"fields":["deviceId","Temperature"],"updates":[[101,22.5],[null,1]],"debug":true}"#,
        r#"{"deviceId":1,"dataStreamId":1,"values":[{"value":5,"ts":1702656423136}]}"#,
        r##"{"deviceId":1,"dataStreamId":1,"property":"color","value":"#FF0000"}"##,
        "deviceId=1&dataStreamId=1&from=1777377600000&to=1777377600000&page=0&size=50&pin=v10",
        "deviceIds=1,2&deviceIds=3&dataStreamIds=1",
        "grant_type=password&username=ann&password=x",
    ];
    InputFormat {
        seeds: seeds.map(|seed| seed.as_bytes().to_vec()).into(),
        grammar: Some(generate),
        words: &["deviceId", "dataStreamId", "values", "ts", "fields", "updates", "&", "=", ",", "%", "+"],
        ..InputFormat::default()
    }
}

/// Every reader of a body.
const READERS: [fn(BodyFields); 5] = [
    |body| drop(body.update()),
    |body| drop(body.update_many()),
    |body| drop(body.batch_update()),
    |body| drop(body.import()),
    |body| drop(body.property_change()),
];

fn decoder() -> Decoder {
    Box::new(|input| {
        let text = text(input);
        let fields = QueryFields::parse(&text);
        drop(fields.device());
        drop((fields.devices(), fields.datastreams(), fields.history()));
        drop(TokenParameters::parse(&text, input).and_then(TokenParameters::grant));
        for read in READERS {
            let body: Result<BodyFields> = BodyFields::parse(Bytes::copy_from_slice(input));
            if let Ok(body) = body {
                read(body);
            }
        }
    })
}

#[test]
fn blynk_requests() {
    FuzzTarget { module: module_path!(), name: "blynk_requests", form, decoder }.run();
}
