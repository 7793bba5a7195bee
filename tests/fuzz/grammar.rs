//! Texts by rules: each rule is a list of what may stand there, in which `<name>` is another rule.

use super::Random;

/// Rules by name; of each what may stand there, the shortest first: that is taken when it gets too deep.
pub type Rules = &'static [(&'static str, &'static [&'static str])];

/// Rules, each as `name = "text" | "another";`.
#[macro_export]
macro_rules! rules {
    ($($name:ident = $($text:literal)|+;)+) => { &[$((stringify!($name), &[$($text),+])),+] };
}
pub use rules;

/// Rules within rules.
const MAX_DEPTH: usize = 24;
/// Rules used in one text.
const MAX_STEPS: usize = 2000;

/// Rules of every grammar: numbers and single characters.
const BUILT_IN: [&str; 5] = ["int", "small", "float", "letter", "byte"];

/// A text of the rule `start`. What stands in angle brackets and is no rule, such as an element of HTML, is itself.
pub fn write(rules: Rules, start: &str, random: &mut Random) -> Vec<u8> {
    let mut writer = GrammarWriter { rules, random, text: Vec::new(), steps: 0 };
    writer.rule(start, 0);
    writer.text
}

fn number(kind: &str, random: &mut Random) -> String {
    match kind {
        "int" => (random.length() as i64).to_string(),
        "small" => random.size(6).to_string(),
        _ => format!("{:e}", f64::from_bits(random.bits())),
    }
}

struct GrammarWriter<'a> {
    rules: Rules,
    random: &'a mut Random,
    text: Vec<u8>,
    steps: usize,
}

impl GrammarWriter<'_> {
    fn rule(&mut self, name: &str, depth: usize) {
        match name {
            "letter" => return self.text.push(b'a' + self.random.below(26) as u8),
            "byte" => return self.text.push(self.random.byte()),
            "int" | "small" | "float" => {
                let number = number(name, self.random);
                return self.put(&number);
            }
            _ => {}
        }
        let known = self.rules.iter().find(|(known, _)| *known == name);
        let (_, ways) = known.expect("only names of rules are followed");
        self.steps += 1;
        let is_over = depth > MAX_DEPTH || self.steps > MAX_STEPS;
        let way = if is_over { ways[0] } else { self.random.pick(ways) };
        let mut rest = way;
        while let Some((before, behind)) = rest.split_once('<') {
            self.put(before);
            match behind.split_once('>') {
                Some((inner, behind)) if self.is_rule(inner) => {
                    self.rule(inner, depth + 1);
                    rest = behind;
                }
                _ => {
                    self.put("<");
                    rest = behind;
                }
            }
        }
        self.put(rest);
    }

    fn is_rule(&self, name: &str) -> bool {
        BUILT_IN.contains(&name) || self.rules.iter().any(|(known, _)| *known == name)
    }

    fn put(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }
}
