//! What one file defines and uses.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use super::macros::Found;
use super::methods::{Call, Method, Place};

/// `["posix", "mq", "files"]`; the root of the crate is empty.
pub type Name = Vec<String>;

/// A path as it is written, with `crate`, `self` and `super` resolved.
pub type Target = Name;

/// The modules of a crate.
pub type Modules = BTreeMap<Name, Module>;

#[derive(Default)]
pub struct Module {
    pub children: BTreeSet<String>,
    /// What `use` brings in: the name here, and where it comes from. `*` for all.
    pub imports: Vec<(String, Target)>,
    /// Paths in expressions and types.
    pub paths: Vec<Target>,
    /// Those whose first part is a name that an import may have brought in.
    relative: Vec<Vec<String>>,
    /// The methods that are defined here.
    pub methods: Vec<Method>,
    pub calls: BTreeSet<Call>,
}

impl Module {
    pub fn through_imports(&self) -> impl Iterator<Item = Target> {
        self.relative.iter().filter_map(|path| {
            let (_, from) = self.imports.iter().find(|(known, _)| *known == path[0])?;
            Some(from.iter().chain(&path[1..]).cloned().collect())
        })
    }
}

/// What one file defines and uses.
pub fn read(file: &syn::File, name: &Name) -> Module {
    let mut reader = Reader {
        name: name.clone(),
        depth: 0,
        of: String::new(),
        typed: Vec::new(),
        foreign: ["std", "core", "alloc"].map(String::from).into(),
        module: Module::default(),
    };
    reader.visit_file(file);
    let Reader { typed, foreign, mut module, .. } = reader;
    let own = typed.into_iter().filter(|(first, _)| !foreign.contains(first));
    module.calls.extend(own.map(|(_, call)| call));
    module
}

struct Reader {
    name: Name,
    /// Inline modules that we are in.
    depth: usize,
    /// The type of the `impl`, or the trait, that we are in.
    of: String,
    /// Calls that state a type, and what their paths begin with.
    typed: Vec<(String, Call)>,
    /// Names that come from other crates, which may be those of types of ours, too: `Path`.
    foreign: BTreeSet<String>,
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

    fn define(&mut self, signature: &syn::Signature, place: Place) {
        let name = signature.ident.to_string();
        let has_receiver = signature.receiver().is_some();
        self.module.methods.push(Method { of: self.of.clone(), name, place, has_receiver });
    }

    fn note_call(&mut self, name: String, is_own: bool) {
        let call = if is_own { Call::Own(self.of.clone(), name) } else { Call::On(name) };
        self.module.calls.insert(call);
    }

    fn note_path(&mut self, segments: Vec<String>) {
        let [.., of, name] = &*segments else { return };
        let of = if of == "Self" { &self.of } else { of };
        self.typed.push((segments[0].clone(), Call::Of(of.clone(), name.clone())));
        match self.absolute(&segments) {
            Some(target) => self.module.paths.push(target),
            None => self.module.relative.push(segments),
        }
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
        match self.absolute(path) {
            Some(target) => self.module.imports.push((name, target)),
            None => {
                self.foreign.insert(name);
            }
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
        self.note_path(segments);
        visit::visit_path(self, path);
    }

    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        let of = last_name(&item.self_ty);
        let before = std::mem::replace(&mut self.of, of);
        for item_of_impl in &item.items {
            if let syn::ImplItem::Fn(function) = item_of_impl {
                let place = match &item.trait_ {
                    Some((_, path, _)) => Place::Impl(last_of(path)),
                    None => Place::Type,
                };
                self.define(&function.sig, place);
            }
        }
        visit::visit_item_impl(self, item);
        self.of = before;
    }

    fn visit_item_trait(&mut self, item: &syn::ItemTrait) {
        let before = std::mem::replace(&mut self.of, item.ident.to_string());
        for item_of_trait in &item.items {
            if let syn::TraitItem::Fn(function) = item_of_trait {
                self.define(&function.sig, Place::Trait);
            }
        }
        visit::visit_item_trait(self, item);
        self.of = before;
    }

    fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
        let is_own = matches!(&*call.receiver, syn::Expr::Path(path) if path.path.is_ident("self"));
        self.note_call(call.method.to_string(), is_own);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &syn::Macro) {
        let mut found = Found::default();
        found.read(called.tokens.clone());
        found.paths.into_iter().for_each(|path| self.note_path(path));
        found.calls.into_iter().for_each(|(name, is_own)| self.note_call(name, is_own));
        visit::visit_macro(self, called);
    }
}

fn last_of(path: &syn::Path) -> String {
    path.segments.last().map_or_else(String::new, |segment| segment.ident.to_string())
}

fn last_name(of: &syn::Type) -> String {
    match of {
        syn::Type::Path(path) => last_of(&path.path),
        syn::Type::Reference(reference) => last_name(&reference.elem),
        _ => String::new(),
    }
}
