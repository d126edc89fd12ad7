//! Which objects the user asks for.

use clap::Args;

use crate::failure::{Failure, Result};
use crate::objects::pattern::{self, Asked};
use crate::objects::{Kind, Object, kernel};
use crate::survey::{Depth, Survey};

/// Kinds and names: an object is meant if it is of one of the kinds, where there are any, and has
/// one of the names.
#[derive(Args, Clone, Debug, Default)]
pub struct Selection {
    #[arg(value_name = "KIND|NAME", value_parser = Asked::parser(), help = pattern::HELP)]
    asked: Vec<Asked>,
}

impl Selection {
    /// Whether all objects are meant.
    pub fn is_all(&self) -> bool {
        self.asked.is_empty()
    }

    /// Whether objects are meant by their names, not only by their kinds.
    pub fn has_names(&self) -> bool {
        self.asked.iter().any(|asked| !matches!(asked, Asked::Kind(_)))
    }

    fn has(&self, is_it: impl Fn(&Asked) -> bool, is_kind: bool) -> bool {
        let mut asked =
            self.asked.iter().filter(|asked| matches!(asked, Asked::Kind(_)) == is_kind).peekable();
        asked.peek().is_none() || asked.any(is_it)
    }

    pub fn has_kind(&self, kind: Kind) -> bool {
        self.has(|asked| asked.is_kind(kind), true)
    }

    pub fn means(&self, object: &Object) -> bool {
        self.has_kind(object.kind()) && self.has(|asked| asked.means(object), false)
    }

    pub fn means_kernels(&self, object: &kernel::Object) -> bool {
        self.has_kind(object.kind) && self.has(|asked| asked.means_kernels(object), false)
    }

    /// How far has to be looked to find them.
    pub fn depth(&self) -> Depth {
        if self.asked.iter().any(Asked::is_of_memory) { Depth::Memory } else { Depth::Objects }
    }

    /// Leaves the others out. A name that nothing has is a failure, as it is for ls(1).
    pub fn apply(&self, survey: &mut Survey) -> Result<()> {
        let settled = self.settled(survey);
        survey.entries.retain(|entry| settled.means(&entry.object));
        survey.kernel.retain(|object| settled.means_kernels(object));
        settled.is_found(survey)
    }

    /// With names in place of patterns that are the names of objects.
    pub fn settled(&self, survey: &Survey) -> Self {
        let objects = || survey.entries.iter().map(|entry| &entry.object);
        Self { asked: self.asked.iter().map(|asked| asked.settled(objects())).collect() }
    }

    /// A failure if nothing has a name that was asked for.
    pub fn is_found(&self, survey: &Survey) -> Result<()> {
        let is_missing = |asked: &&Asked| {
            !matches!(asked, Asked::Kind(_))
                && !survey.entries.iter().any(|entry| asked.means(&entry.object))
                && !survey.kernel.iter().any(|object| asked.means_kernels(object))
        };
        match self.asked.iter().find(is_missing) {
            None => Ok(()),
            Some(asked) => {
                let what = format!("there is no {}", asked.describe(None));
                Err(Failure::new(what).advise(asked.advice()))
            }
        }
    }
}
