//! From an address in a file to a function, a source line, or a variable.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use addr2line::Loader;
use serde::Deserialize;

use crate::elf;

/// A file, and the distance from where its beginning is mapped.
#[derive(Clone, Debug, Deserialize)]
pub struct Place(pub String, pub u64);

/// The files that have been read.
#[derive(Default)]
pub struct Symbols {
    files: HashMap<String, Option<Loaded>>,
}

struct Loaded {
    loader: Loader,
    /// The address that the file's beginning was linked for.
    base: u64,
}

impl Symbols {
    fn load(&mut self, path: &str) -> Option<&Loaded> {
        let load = || {
            let base = elf::base(&File::open(path).ok()?).ok()?;
            Some(Loaded { loader: Loader::new(Path::new(path)).ok()?, base })
        };
        self.files.entry(path.to_owned()).or_insert_with(load).as_ref()
    }

    /// Functions, the innermost first: `name at file:line`, as far as the file tells.
    pub fn frames(&mut self, place: &Place) -> Vec<String> {
        let Place(path, offset) = place;
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bare = format!("{name}+{offset:#x}");
        let Some(Loaded { loader, base }) = self.load(path) else { return vec![bare] };
        let address = base.wrapping_add(*offset);
        let mut found = Vec::new();
        if let Ok(mut frames) = loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let Some(function) = frame.function else { continue };
                let function = function.demangle().map_or_else(|_| "?".into(), String::from);
                let line = frame
                    .location
                    .and_then(|location| Some(format!("{}:{}", location.file?, location.line?)));
                found.push(match line {
                    Some(line) => format!("{function} at {line}"),
                    None => format!("{function} in {name}"),
                });
            }
        }
        if found.is_empty() {
            found.push(match loader.find_symbol(address) {
                Some(symbol) => {
                    format!("{} in {name}", as_written(symbol))
                }
                None => bare,
            });
        }
        found
    }

    /// The name of a variable, and how far in it the place is: `forks+32`.
    pub fn variable(&mut self, place: &Place) -> Option<String> {
        let Loaded { loader, base } = self.load(&place.0)?;
        let address = base.wrapping_add(place.1);
        let symbol = loader.find_symbol_info(address)?;
        let name = as_written(symbol.name());
        Some(match address.wrapping_sub(symbol.address()) {
            0 => name,
            distance => format!("{name}+{distance}"),
        })
    }
}

/// The name in the source. One that does not begin like a mangled one is the name itself: `g`
/// alone would be read as the type `__float128`.
fn as_written(symbol: &str) -> String {
    let is_mangled = ["_Z", "_R", "__Z", "__R"].iter().any(|start| symbol.starts_with(start));
    if is_mangled {
        addr2line::demangle_auto(symbol.into(), None).into_owned()
    } else {
        symbol.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Place, Symbols, as_written};

    static FORKS: [u64; 5] = [1; 5];

    #[test]
    fn elements_are_told_apart() {
        let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let first = maps.lines().find(|line| line.ends_with(&own)).unwrap();
        let base = u64::from_str_radix(first.split('-').next().unwrap(), 16).unwrap();
        let mut symbols = Symbols::default();
        let mut name = |index: usize| {
            let address = &raw const FORKS[index] as u64;
            symbols.variable(&Place(own.clone(), address - base)).unwrap()
        };
        let (first, last) = (name(0), name(4));
        assert!(first.contains("FORKS"), "{first}");
        assert_eq!(last, format!("{first}+32"));
    }

    #[test]
    fn names_as_in_the_source() {
        assert_eq!(as_written("g"), "g");
        assert_eq!(as_written("ready"), "ready");
        assert_eq!(as_written("_ZN4data4fullE"), "data::full");
    }
}
