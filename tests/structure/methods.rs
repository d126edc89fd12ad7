//! Which file a called method comes from.
//!
//! The check knows no types, so the name has to tell: it does where one file of the crate alone
//! defines a method of that name. Where the call states the type, as `Type::name()` does, and
//! `self.name()` in an `impl`, the methods of that type come first.
//!
//! A method of a trait of ours comes from the trait: what calls it there need not know who
//! implements it.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Modules, Name};

/// Types of the standard library have methods of these names, so they alone tell nothing.
#[rustfmt::skip]
const COMMON: [&str; 92] = [
    "add", "address", "alloc", "alloc_zeroed", "and", "any", "as_c_str", "as_path", "as_ptr",
    "bind", "borrow", "bytes", "call", "clear", "code", "compare_exchange", "count", "dealloc",
    "deref", "deref_mut", "drain", "drop", "end", "enter", "entry", "error", "fetch_add",
    "fetch_and", "fetch_max", "fetch_or", "fetch_sub", "fill", "find", "finish", "first", "flag",
    "flush", "fmt", "get", "id", "index", "insert", "into_bytes", "into_parts", "into_raw",
    "is_empty", "iter", "join", "key", "keys", "kind", "last", "len", "line", "lines", "load",
    "lock", "map", "message", "mode", "name", "next", "now", "open", "path", "peek", "pid", "pop",
    "post", "process", "push", "read", "realloc", "remove", "replace", "reserve", "send", "set",
    "size", "skip", "status", "store", "swap", "take", "thread", "to_bits", "try_borrow", "value",
    "wait", "width", "write", "write_str",
];

/// A method that a file defines.
pub struct Method {
    /// The type, or the trait itself, without path and parameters.
    pub of: String,
    pub name: String,
    pub place: Place,
    /// It can be called on a value.
    pub has_receiver: bool,
}

pub enum Place {
    /// An `impl` of the type alone.
    Type,
    Trait,
    /// An `impl` of this trait.
    Impl(String),
}

/// A call, with the type if it states one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `Type::name()`.
    Of(String, String),
    /// `self.name()` in an `impl` of the type, which may lend itself out as another one.
    Own(String, String),
    /// `value.name()`.
    On(String),
}

impl Call {
    pub fn name(&self) -> &str {
        let (Self::Of(_, name) | Self::Own(_, name) | Self::On(name)) = self;
        name
    }
}

/// For each name the files that define a method of it; `None`: other crates do.
type Homes<'a, Key> = BTreeMap<Key, BTreeSet<Option<&'a Name>>>;

/// The methods of a crate.
#[derive(Default)]
pub struct Methods<'a> {
    /// By type and name.
    own: Homes<'a, (&'a str, &'a str)>,
    /// The same of those that make up the `impl` of a trait.
    of_traits: Homes<'a, (&'a str, &'a str)>,
    by_name: Homes<'a, &'a str>,
}

impl<'a> Methods<'a> {
    /// Those of these modules, which also call methods of `others`, in other crates.
    pub fn of(modules: &'a Modules, others: impl Iterator<Item = &'a Modules>) -> Self {
        let traits: BTreeSet<&str> = all(modules)
            .filter(|(_, method)| matches!(method.place, Place::Trait))
            .map(|(_, method)| method.of.as_str())
            .collect();
        let mut methods = Self::default();
        for (file, method) in all(modules) {
            let key = (method.of.as_str(), method.name.as_str());
            let (of_type, home) = match &method.place {
                Place::Type | Place::Trait => (&mut methods.own, Some(Some(file))),
                Place::Impl(of) if traits.contains(of.as_str()) => (&mut methods.of_traits, None),
                // Types that are not ours have the method, too.
                Place::Impl(_) => (&mut methods.of_traits, Some(None)),
            };
            of_type.entry(key).or_default().insert(Some(file));
            if let Some(home) = home {
                methods.add_name(method, home);
            }
        }
        others.flat_map(all).for_each(|(_, method)| methods.add_name(method, None));
        methods
    }

    fn add_name(&mut self, method: &'a Method, home: Option<&'a Name>) {
        if method.has_receiver {
            self.by_name.entry(&method.name).or_default().insert(home);
        }
    }

    /// The one file that defines what is called.
    pub fn home_of(&self, call: &Call) -> Option<&'a Name> {
        match call {
            Call::Of(of, name) => self.of_type(of, name),
            Call::Own(of, name) => self.of_type(of, name).or_else(|| self.of_any(name)),
            Call::On(name) => self.of_any(name),
        }
    }

    fn of_type(&self, of: &str, name: &str) -> Option<&'a Name> {
        let homes = self.own.get(&(of, name)).or_else(|| self.of_traits.get(&(of, name)));
        only(homes?)
    }

    fn of_any(&self, name: &str) -> Option<&'a Name> {
        if COMMON.contains(&name) { None } else { only(self.by_name.get(name)?) }
    }
}

fn all(modules: &Modules) -> impl Iterator<Item = (&Name, &Method)> {
    modules
        .iter()
        .flat_map(|(file, module)| module.methods.iter().map(move |method| (file, method)))
}

/// The file, if it is one, and ours.
fn only<'a>(homes: &BTreeSet<Option<&'a Name>>) -> Option<&'a Name> {
    match homes.len() {
        1 => homes.first().copied().flatten(),
        _ => None,
    }
}
