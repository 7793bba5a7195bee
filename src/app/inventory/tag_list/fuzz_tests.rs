//! Fuzz tests: any bytes as a tag list.

use super::{decode, plan_text};
use crate::domain::device::{DeviceSpec, Protocol};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat as Shape};

fn decoder() -> Decoder {
    let device = DeviceSpec::new("a", Protocol::Modbus);
    Box::new(move |input| {
        if let Ok(list) = decode(input) {
            drop(plan_text(&list.text, &device, &[]));
        }
    })
}

fn shape() -> Shape {
    let names = ["kepserver", "tia_portal", "studio5000", "plain"];
    let file = |name: &str| std::fs::read(format!("tests/fixtures/tags/{name}.csv")).expect("a list");
    Shape {
        seeds: names.map(file).to_vec(),
        words: &["\"", "\"\"", ",", ";", "\t", "\n", "Linear", "$00B0", "$", "[", "1e400", "0,1", "sep=;"],
        ..Shape::default()
    }
}

#[test]
fn tag_lists() {
    FuzzTarget { module: module_path!(), name: "tag_lists", form: shape, decoder }.run();
}
