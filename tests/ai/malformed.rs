//! A thousand uploads that are wrong, made from one good pair of a model and a scaler. Pure, and the same every time.
//!
//! A server answers each with 4xx, or takes it where `must_refuse` says it may, and stays alive.

mod bytes;
mod models;
mod pickles;

use bytes::{Rng, gzip, zlib};

/// How many cases there are.
pub const CASES: usize = 1_000;
/// The file that a hostile pickle would make, if anything ran it.
pub const MARKER: &str = "/tmp/basalt_malformed_ran";

/// One upload: the content of both files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedCase {
    /// Name of the fault, and a number: no two cases have the same.
    pub name: String,
    pub model: Vec<u8>,
    pub scaler: Vec<u8>,
    /// Whether taking it would be wrong. Where it is false the change may happen to leave a working pair (a flipped
    /// bit of a weight), so that both answers are right.
    pub must_refuse: bool,
}

/// The cases of a working pair. The model is a TFLite file of one input; the scaler is a file of joblib or pickle, not
/// compressed, of a scaler with fewer than `pickles::FEATURES_OF_NO_MODEL` features.
pub fn cases(model: &[u8], scaler: &[u8]) -> Vec<MalformedCase> {
    let mut made =
        CaseBuilder { model, scaler, cases: Vec::with_capacity(CASES), rng: Rng(0x5EED_BA5A_1700_0001) };
    made.wrong_types();
    made.bombs();
    for (name, scaler) in pickles::hostile(scaler) {
        made.with_scaler(&name, scaler, true);
    }
    for (name, scaler, must_refuse) in pickles::wrong(scaler) {
        made.with_scaler(name, scaler, must_refuse);
    }
    for (name, model) in models::wrong(model) {
        made.with_model(&name, model, true);
    }
    made.truncated();
    made.mutated();
    made.cases
}

struct CaseBuilder<'a> {
    model: &'a [u8],
    scaler: &'a [u8],
    cases: Vec<MalformedCase>,
    rng: Rng,
}

impl CaseBuilder<'_> {
    fn with_model(&mut self, what: &str, model: Vec<u8>, must_refuse: bool) {
        self.push(what, model, self.scaler.to_vec(), must_refuse);
    }

    fn with_scaler(&mut self, what: &str, scaler: Vec<u8>, must_refuse: bool) {
        self.push(what, self.model.to_vec(), scaler, must_refuse);
    }

    fn push(&mut self, what: &str, model: Vec<u8>, scaler: Vec<u8>, must_refuse: bool) {
        let name = format!("{what}_{}", self.cases.len());
        self.cases.push(MalformedCase { name, model, scaler, must_refuse });
    }

    /// Other kinds of files in the place of one or both.
    fn wrong_types(&mut self) {
        for (kind, begin) in bytes::OTHER_FILES {
            let file = [begin, b"\0rest of a file of this kind\n".repeat(20).as_slice()].concat();
            self.with_model(&format!("model_is_{kind}"), file.clone(), true);
            self.with_scaler(&format!("scaler_is_{kind}"), file, true);
        }
        self.push("swapped", self.scaler.to_vec(), self.model.to_vec(), true);
        self.with_model("model_is_empty", Vec::new(), true);
        self.with_scaler("scaler_is_empty", Vec::new(), true);
        self.push("both_are_empty", Vec::new(), Vec::new(), true);
        let noise = self.rng.bytes(4_096);
        self.with_model("model_is_noise", noise.clone(), true);
        self.with_scaler("scaler_is_noise", noise.clone(), true);
        self.with_model(
            "model_is_noise_with_its_mark",
            [b"\x1c\0\0\0TFL3".as_slice(), &noise].concat(),
            true,
        );
        self.with_model("model_is_compressed", gzip(self.model), true);
        self.with_model("model_is_a_mark", b"\0\0\0\0TFL3".to_vec(), true);
        self.with_model(
            "model_is_zeros_with_a_mark",
            [b"\x10\0\0\0TFL3".as_slice(), &[0; 512]].concat(),
            true,
        );
    }

    /// Small files that unpack to much.
    fn bombs(&mut self) {
        let zeros = vec![0; 1 << 20];
        let member = gzip(&zeros);
        for mebibytes in [17, 64, 1_024] {
            self.with_scaler("gzip_bomb_of_members", member.repeat(mebibytes), true);
            let bomb = [gzip(self.scaler), member.repeat(mebibytes)].concat();
            self.with_scaler("gzip_bomb_behind_the_scaler", bomb, true);
            let bomb = [gzip(b"\x80\x04\x8e\xff\xff\xff\x3f\0\0\0\0"), member.repeat(mebibytes)].concat();
            self.with_scaler("gzip_bomb_in_bytes", bomb, true);
        }
        let large = zlib(&zeros.repeat(20));
        self.with_scaler("zlib_bomb_of_a_bomb", zlib(&large), true);
        self.with_scaler("gzip_bomb_of_a_bomb", gzip(&large), true);
        self.with_scaler("zlib_bomb", large, true);
        self.with_scaler("file_too_large", [self.scaler, &zeros.repeat(5)].concat(), true);
    }

    /// Cut short. A scaler needs its last byte; of a model, what is cut at the very end may be unused.
    fn truncated(&mut self) {
        for at in 0..150 {
            let len = self.cut(at, self.model.len());
            let must_refuse = len <= self.model.len() / 2;
            self.with_model("model_cut_short", self.model[..len].to_vec(), must_refuse);
            let len = self.cut(at, self.scaler.len());
            self.with_scaler("scaler_cut_short", self.scaler[..len].to_vec(), true);
        }
    }

    /// The first cuts are byte by byte, as far as there are bytes; then anywhere.
    fn cut(&mut self, at: usize, len: usize) -> usize {
        if at < len.min(40) { at } else { self.rng.below(len) }
    }

    /// Bits flipped, words overwritten, pieces taken out, doubled and moved, until there are enough.
    fn mutated(&mut self) {
        let packed = [zlib(self.scaler), gzip(self.scaler)];
        while self.cases.len() < CASES {
            match self.cases.len() % 5 {
                0 | 1 => {
                    let (what, model) = self.rng.mutate(self.model);
                    let marked = model.get(4..8) == Some(b"TFL3");
                    self.with_model(&format!("model_{what}"), model, !marked);
                }
                2 | 3 => {
                    let (what, scaler) = self.rng.mutate(self.scaler);
                    self.with_scaler(&format!("scaler_{what}"), scaler, false);
                }
                _ => {
                    let which = self.rng.below(packed.len());
                    let (what, scaler) = self.rng.mutate(&packed[which]);
                    self.with_scaler(&format!("packed_scaler_{what}"), scaler, false);
                }
            }
        }
    }
}

#[test]
fn there_are_a_thousand_with_names_of_their_own_and_the_same_every_time() {
    let (model, scaler) = (b"\x1c\0\0\0TFL3 no model at all".repeat(9), b"\x80\x04N.".repeat(9));
    let made = cases(&model, &scaler);
    let names: std::collections::BTreeSet<_> = made.iter().map(|case| &case.name).collect();
    assert_eq!((made.len(), names.len()), (CASES, CASES));
    assert_eq!(made, cases(&model, &scaler));
    assert!(made.iter().all(|case| case.model != model || case.scaler != scaler), "none is the pair itself");
}
