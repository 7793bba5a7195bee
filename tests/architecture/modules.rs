//! The modules of the crate as far as imports need them: which file has which name, and which names each file uses.
//!
//! Paths are followed through modules, imports and re-exports to the file that has the item. A method call names no path, so
//! it is no import. Code of tests is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::tokens::{block_end, tokens, use_items, without_tests};

/// By file, the files that it imports, each with a path that says so.
pub type Imports = BTreeMap<String, BTreeMap<String, String>>;

/// Every module; the first is the root.
#[derive(Default)]
pub struct Modules(Vec<Module>);

#[derive(Default)]
struct Module {
    file: String,
    /// The module that declares it; the root's is the root.
    parent: usize,
    children: HashMap<String, usize>,
    /// Names of what its own code declares.
    items: HashSet<String>,
    /// Paths of its imports and re-exports, by the names that they have here.
    uses: HashMap<String, Vec<String>>,
    /// Names among `uses` that are re-exported.
    exports: HashSet<String>,
    /// Modules of which it imports everything.
    globs: Vec<Vec<String>>,
    /// Paths that its code names, imports left out.
    paths: Vec<Vec<String>>,
    /// Words of its code, imports left out.
    words: HashSet<String>,
}

/// Module or item that a path leads to.
#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    /// Something that the module has.
    Item(usize),
}

/// Words before the name of an item.
const ITEM_WORDS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

impl Modules {
    /// Reads the modules below a root; `read` returns the text of a file.
    pub fn read(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Modules {
        let mut modules = Modules::default();
        modules.add_file(root.to_owned(), 0, read);
        modules
    }

    fn add_file(&mut self, file: String, parent: usize, read: &dyn Fn(&str) -> Option<String>) -> usize {
        let text = read(&file).unwrap_or_else(|| panic!("there is no {file}"));
        let code = super::source::blank(&text);
        let folder = match file.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs")) => folder.to_owned(),
            _ => file.trim_end_matches(".rs").to_owned(),
        };
        let at = self.add(file, parent);
        self.parse(at, &without_tests(&tokens(&code)), &folder, read);
        at
    }

    fn add(&mut self, file: String, parent: usize) -> usize {
        self.0.push(Module { file, parent, ..Module::default() });
        self.0.len() - 1
    }

    /// Reads the code of a module whose child files are in `folder`.
    fn parse(&mut self, at: usize, code: &[&str], folder: &str, read: &dyn Fn(&str) -> Option<String>) {
        let (mut place, mut depth) = (0, 0);
        while let Some(word) = code.get(place) {
            place = match &code[place..] {
                ["mod", name, ";", ..] => {
                    let files = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
                    let file = files.into_iter().find(|file| read(file).is_some());
                    let file = file.unwrap_or_else(|| panic!("{folder} has no module {name}"));
                    let child = self.add_file(file, at, read);
                    self.0[at].children.insert((*name).to_owned(), child);
                    place + 3
                }
                ["mod", name, "{", ..] => {
                    let end = block_end(code, place + 2);
                    let child = self.add(self.0[at].file.clone(), at);
                    self.0[at].children.insert((*name).to_owned(), child);
                    self.parse(child, &code[place + 3..end], &format!("{folder}/{name}"), read);
                    end + 1
                }
                ["use", next, ..] if *next != "<" => self.0[at].add_use(code, place),
                _ => {
                    match *word {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => self.0[at].add_word(code, place, depth == 0),
                    }
                    place + 1
                }
            };
        }
    }

    /// Target of a path in the code of a module; `None` for what is not of this crate.
    fn resolve(&self, from: usize, path: &[String], seen: &mut HashSet<(usize, String)>) -> Option<Target> {
        let mut rest = path;
        let mut start = match path.first()?.as_str() {
            "crate" => 0,
            "self" | "super" => from,
            _ => return self.find(from, path, seen),
        };
        if rest[0] != "super" {
            rest = &rest[1..];
        }
        while rest.first().is_some_and(|name| name == "super") {
            start = self.0[start].parent;
            rest = &rest[1..];
        }
        Some(self.find(start, rest, seen).unwrap_or(Target::Item(start)))
    }

    /// Target of a path that begins in a module; `None` when the module has no such name. A name that is not found further
    /// on was made by a macro of the module where the path ends.
    fn find(&self, at: usize, path: &[String], seen: &mut HashSet<(usize, String)>) -> Option<Target> {
        let Some(name) = path.first() else { return Some(Target::Module(at)) };
        let module = &self.0[at];
        // A module and a function may have one name; a path that ends here means the function.
        let is_item = path.len() == 1 && (module.items.contains(name) || module.uses.contains_key(name));
        let inner = match module.children.get(name).filter(|_| !is_item) {
            Some(child) => Target::Module(*child),
            None if module.items.contains(name) => Target::Item(at),
            None => {
                let used = module.uses.get(name)?;
                if !seen.insert((at, name.clone())) {
                    return None;
                }
                self.resolve(at, used, seen)?
            }
        };
        match inner {
            Target::Module(inner) => Some(self.find(inner, &path[1..], seen).unwrap_or(Target::Item(inner))),
            Target::Item(_) => Some(inner),
        }
    }

    /// Files that each file imports. A module may use what those around it have, and re-export what is below it: neither counts.
    pub fn imports(&self) -> Imports {
        self.imports_where(|at, file| !self.is_within(at, file))
    }

    /// Files that each file imports from around it, which [`Modules::imports`] leaves out.
    pub fn upward_imports(&self) -> Imports {
        self.imports_where(|at, file| self.0[at].file != file && self.is_within(at, file))
    }

    /// By file, the files of the modules around it.
    pub fn files_around(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut around: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (mut at, module) in self.0.iter().enumerate() {
            let files = around.entry(module.file.clone()).or_default();
            while at != 0 {
                at = self.0[at].parent;
                files.insert(self.0[at].file.clone());
            }
            files.remove(&module.file);
        }
        around
    }

    /// Imports of a module from a file, where these count.
    fn imports_where(&self, counts: impl Fn(usize, &str) -> bool) -> Imports {
        let mut imports = Imports::new();
        for (at, module) in self.0.iter().enumerate() {
            let used = module.uses.iter().filter(|(name, path)| {
                let is_mere_export = module.exports.contains(*name) && !module.words.contains(*name);
                !is_mere_export
                    || self.item(at, path).is_none_or(|owner| !self.is_within(owner, &module.file))
            });
            let paths = module.paths.iter().chain(used.map(|(_, path)| path));
            let mut targets: Vec<_> = paths.filter_map(|path| Some((self.item(at, path)?, path))).collect();
            targets.extend(module.globs.iter().filter_map(|path| {
                let (Target::Module(owner) | Target::Item(owner)) =
                    self.resolve(at, path, &mut HashSet::new())?;
                Some((owner, path))
            }));
            for (owner, path) in targets {
                let other = &self.0[owner].file;
                if counts(at, other) {
                    let of_file = imports.entry(module.file.clone()).or_default();
                    of_file.entry(other.clone()).or_insert_with(|| path.join("::"));
                }
            }
        }
        imports
    }

    /// The module that has the item at the end of a path.
    fn item(&self, at: usize, path: &[String]) -> Option<usize> {
        match self.resolve(at, path, &mut HashSet::new())? {
            Target::Item(owner) => Some(owner),
            Target::Module(_) => None,
        }
    }

    /// Whether a module or one around it is in a file.
    fn is_within(&self, mut at: usize, file: &str) -> bool {
        loop {
            if self.0[at].file == file {
                return true;
            }
            if at == 0 {
                return false;
            }
            at = self.0[at].parent;
        }
    }
}

impl Module {
    /// Reads the import at a place of the code; returns the place after it.
    fn add_use(&mut self, code: &[&str], place: usize) -> usize {
        let len = code[place..].iter().position(|word| *word == ";").unwrap_or(code.len() - place);
        let is_export = place > 0 && matches!(code[place - 1], "pub" | ")");
        for (name, path) in use_items(&code[place + 1..place + len]) {
            if name == "*" {
                self.globs.push(path);
                continue;
            }
            if is_export {
                self.exports.insert(name.clone());
            }
            self.uses.insert(name, path);
        }
        place + len + 1
    }

    /// Notes a word of the code: the item that it declares, or the path that it begins.
    fn add_word(&mut self, code: &[&str], place: usize, is_top: bool) {
        let word = code[place];
        if !is_name(word) {
            return;
        }
        self.words.insert(word.to_owned());
        match &code[place + 1..] {
            ["!", name, ..] if word == "macro_rules" => {
                self.items.insert((*name).to_owned());
            }
            ["mut", name, ..] | [name, ..] if is_top && ITEM_WORDS.contains(&word) => {
                self.items.insert((*name).to_owned());
            }
            ["::", ..] if place == 0 || code[place - 1] != "::" => {
                self.paths.push(path_at(code, place));
            }
            _ => {}
        }
    }
}

/// The names of a path that begins at a place of the code.
fn path_at(code: &[&str], place: usize) -> Vec<String> {
    let mut names = Vec::new();
    for pair in code[place..].chunks(2).take_while(|pair| is_name(pair[0])) {
        names.push(pair[0].to_owned());
        if pair.get(1) != Some(&"::") {
            break;
        }
    }
    names
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
