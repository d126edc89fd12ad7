//! Which module uses which: read from the paths in the sources.
//!
//! A module is a file. It uses another one if a path in it leads to something that is defined
//! there; a path through a re-export leads to where the thing comes from. A module that only hands
//! on what its children define does not depend on them by that. Tests count, inline modules belong
//! to their file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// `["posix", "mq", "files"]`; the root of the crate is empty.
type Name = Vec<String>;

/// A path as it is written, with `crate`, `self` and `super` resolved.
type Target = Name;

#[derive(Default)]
struct Module {
    children: BTreeSet<String>,
    /// What `use` brings in: the name here, and where it comes from. `*` for all.
    imports: Vec<(String, Target)>,
    /// Paths in expressions and types.
    paths: Vec<Target>,
    /// Those whose first part is a name that an import may have brought in.
    relative: Vec<Vec<String>>,
}

impl Module {
    fn through_imports(&self) -> impl Iterator<Item = Target> {
        self.relative.iter().filter_map(|path| {
            let (_, from) = self.imports.iter().find(|(known, _)| *known == path[0])?;
            Some(from.iter().chain(&path[1..]).cloned().collect())
        })
    }
}

/// The modules of a crate.
pub struct Crate {
    modules: BTreeMap<Name, Module>,
}

impl Crate {
    /// Reads all modules that the main file leads to.
    pub fn read(main: &Path) -> Self {
        let mut read = Self { modules: BTreeMap::new() };
        let folder = main.parent().expect("a file lies in a folder");
        read.read_module(main, folder, &Name::new());
        read
    }

    fn read_module(&mut self, file: &Path, folder: &Path, name: &Name) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = Reader { name: name.clone(), depth: 0, module: Module::default() };
        reader.visit_file(&parsed);
        let children: Vec<String> = reader.module.children.iter().cloned().collect();
        self.modules.insert(name.clone(), reader.module);
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

    /// For each module those that it uses.
    fn uses(&self) -> BTreeMap<&Name, BTreeSet<Name>> {
        let used_by = |(name, module): (&Name, &Module)| {
            let handed_on = |target: &Target| target.len() > name.len() && target.starts_with(name);
            let imports =
                module.imports.iter().map(|(_, target)| target).filter(|target| !handed_on(target));
            let targets = imports.chain(&module.paths).cloned().chain(module.through_imports());
            let used = targets.filter_map(|target| self.resolve(&target, 8));
            used.filter(|used| used != name).collect::<BTreeSet<_>>()
        };
        self.modules.iter().map(|entry| (entry.0, used_by(entry))).collect()
    }

    /// Groups of modules of which each leads to each, a line for a group.
    pub fn circles(&self) -> Vec<String> {
        let uses = self.uses();
        let reach: BTreeMap<&Name, BTreeSet<Name>> =
            uses.keys().map(|name| (*name, reachable(name, &uses))).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for (name, reached) in &reach {
            if seen.contains(*name) || !reached.contains(*name) {
                continue;
            }
            let group: Vec<&Name> =
                reached.iter().filter(|other| reach[other].contains(*name)).collect();
            seen.extend(group.iter().copied().cloned());
            let edges = group.iter().map(|one| {
                let to: Vec<String> = group
                    .iter()
                    .filter(|other| uses[*one].contains(**other))
                    .map(|n| text(n))
                    .collect();
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

fn reachable(from: &Name, uses: &BTreeMap<&Name, BTreeSet<Name>>) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Name> = uses[from].iter().cloned().collect();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(uses[&name].iter().cloned());
        }
    }
    found
}

fn locate(folder: &Path, child: &str) -> (PathBuf, PathBuf) {
    let below = folder.join(child);
    let flat = folder.join(format!("{child}.rs"));
    (if flat.exists() { flat } else { below.join("mod.rs") }, below)
}

struct Reader {
    name: Name,
    /// Inline modules that we are in.
    depth: usize,
    module: Module,
}

impl Reader {
    /// A path from the root of the crate. `None`: it does not lead into the crate by a keyword or a
    /// child.
    fn absolute(&self, segments: &[String]) -> Option<Target> {
        let mut up = 0_usize;
        let mut rest = segments;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => return Some(others.to_vec()),
                "self" => rest = others,
                "super" => {
                    up += 1;
                    rest = others;
                }
                child => {
                    let own = self.module.children.contains(child);
                    if !own && rest.len() == segments.len() {
                        return None;
                    }
                    break;
                }
            }
        }
        let up = up.saturating_sub(self.depth);
        let base = self.name.get(..self.name.len().checked_sub(up)?)?;
        Some(base.iter().chain(rest).cloned().collect())
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |last: &syn::Ident| {
            before.iter().cloned().chain([last.to_string()]).collect::<Vec<_>>()
        };
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.import(item, before));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.add_import(before.last().cloned().unwrap_or_default(), before);
            }
            syn::UseTree::Name(name) => self.add_import(name.ident.to_string(), &with(&name.ident)),
            syn::UseTree::Rename(rename) => {
                self.add_import(rename.rename.to_string(), &with(&rename.ident));
            }
            syn::UseTree::Glob(_) => self.add_import("*".into(), before),
        }
    }

    fn add_import(&mut self, name: String, path: &[String]) {
        if let Some(target) = self.absolute(path) {
            self.module.imports.push((name, target));
        }
    }
}

impl Visit<'_> for Reader {
    fn visit_file(&mut self, file: &syn::File) {
        let children = file.items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
            _ => None,
        });
        self.module.children = children.collect();
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.import(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            match self.absolute(&segments) {
                Some(target) => self.module.paths.push(target),
                None => self.module.relative.push(segments),
            }
        }
        visit::visit_path(self, path);
    }
}
