//! Which module uses which: read from the paths and the calls of methods in the sources.
//!
//! A module is a file. It uses another one if a path in it leads to something that is defined
//! there; a path through a re-export leads to where the thing comes from. A module that only hands
//! on what its children define does not depend on them by that. Tests count, inline modules belong
//! to their file. Which file a called method comes from: `methods`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::methods::Methods;
use super::reader::{Module, Modules, Name, Target, read};

/// For each module those that it uses, with a word that shows it.
type Uses<'a> = BTreeMap<&'a Name, BTreeMap<Name, String>>;

/// The modules of a crate.
pub struct Crate {
    modules: Modules,
}

impl Crate {
    /// Reads all modules that the main file leads to.
    pub fn read(main: &Path) -> Self {
        let mut read = Self { modules: Modules::new() };
        let folder = main.parent().expect("a file lies in a folder");
        read.read_module(main, folder, &Name::new());
        read
    }

    fn read_module(&mut self, file: &Path, folder: &Path, name: &Name) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = read(&parsed, name);
        let children: Vec<String> = module.children.iter().cloned().collect();
        self.modules.insert(name.clone(), module);
        for child in children {
            let (file, below) = locate(folder, &child);
            let mut name = name.clone();
            name.push(child);
            self.read_module(&file, &below, &name);
        }
    }

    /// The module that a path leads to, if it is one of the crate's.
    fn resolve(&self, target: &[String], hops: usize) -> Option<Name> {
        let mut here = Name::new();
        for (index, segment) in target.iter().enumerate() {
            let module = self.modules.get(&here)?;
            if module.children.contains(segment) {
                here.push(segment.clone());
                continue;
            }
            let import = module.imports.iter().find(|(known, _)| known == segment);
            if let Some((_, from)) = import
                && hops > 0
            {
                let rest = from.iter().chain(&target[index + 1..]).cloned().collect::<Name>();
                return self.resolve(&rest, hops - 1);
            }
            return Some(here);
        }
        Some(here)
    }

    fn uses<'a>(&'a self, others: &'a [Self]) -> Uses<'a> {
        let others = others.iter().map(|other| &other.modules);
        let methods = Methods::of(&self.modules, others);
        let used_by = |(name, module): (&Name, &Module)| {
            let handed_on = |target: &Target| target.len() > name.len() && target.starts_with(name);
            let imports =
                module.imports.iter().map(|(_, target)| target).filter(|target| !handed_on(target));
            let targets = imports.chain(&module.paths).cloned().chain(module.through_imports());
            let used = targets.filter_map(|target| {
                Some((self.resolve(&target, 8)?, target.last().cloned().unwrap_or_default()))
            });
            let called = module.calls.iter().filter_map(|call| {
                Some((methods.home_of(call)?.clone(), format!(".{}()", call.name())))
            });
            called.chain(used).filter(|(used, _)| used != name).collect::<BTreeMap<_, _>>()
        };
        self.modules.iter().map(|entry| (entry.0, used_by(entry))).collect()
    }

    /// Groups of modules of which each leads to each. `others`: the crates that this one uses.
    pub fn circles(&self, others: &[Self]) -> Vec<String> {
        let uses = self.uses(others);
        let reach: BTreeMap<&Name, BTreeSet<&Name>> =
            uses.keys().map(|name| (*name, reachable(name, &uses))).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for (name, reached) in &reach {
            if seen.contains(name) || !reached.contains(name) {
                continue;
            }
            let group: Vec<&Name> =
                reached.iter().copied().filter(|other| reach[other].contains(name)).collect();
            seen.extend(group.iter().copied());
            let edges = group.iter().map(|one| {
                let within = uses[*one].iter().filter(|(other, _)| group.contains(other));
                let to: Vec<String> =
                    within.map(|(other, by)| format!("{} (`{by}`)", text(other))).collect();
                format!("    {} -> {}", text(one), to.join(", "))
            });
            circles.push(edges.collect::<Vec<_>>().join("\n"));
        }
        circles
    }
}

fn text(name: &Name) -> String {
    if name.is_empty() { "the root".into() } else { name.join("::") }
}

fn reachable<'a>(from: &Name, uses: &'a Uses) -> BTreeSet<&'a Name> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Name> = uses[from].keys().collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(uses[name].keys());
        }
    }
    found
}

fn locate(folder: &Path, child: &str) -> (PathBuf, PathBuf) {
    let below = folder.join(child);
    let flat = folder.join(format!("{child}.rs"));
    (if flat.exists() { flat } else { below.join("mod.rs") }, below)
}
