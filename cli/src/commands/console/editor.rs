//! Typing a line: editing, history, completion, and the arguments that are still to come.

use std::borrow::Cow;
use std::cell::RefCell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, CompletionType, Config, Context, Editor as LineEditor, Helper};

use super::arguments::OPEN_FLAGS;
use super::catalogue;
use super::command::Command;
use super::{explain, voice};
use crate::failure::{Failure, Result};
use crate::objects::{self, Kind};
use crate::output::escape;
use crate::output::style::{Style, Tone};

const PROMPT: &str = "rsipc> ";
/// Lines that are remembered.
const REMEMBERED: usize = 1000;

/// What was typed.
pub enum Typed {
    Line(String),
    /// Ctrl-C: the line is given up.
    Nothing,
    /// Ctrl-D.
    End,
}

pub struct Editor {
    line: LineEditor<Assistant, FileHistory>,
    history: Option<PathBuf>,
    labels: Labels,
}

/// What may be typed as an object: shared between the console and the completion.
type Labels = Rc<RefCell<Vec<String>>>;

struct Assistant {
    labels: Labels,
    style: Style,
}

impl Editor {
    pub fn new(style: Style) -> Result<Self> {
        let colours = if style.is_coloured() { ColorMode::Enabled } else { ColorMode::Disabled };
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .color_mode(colours)
            // Lines that are pasted are typed, each for itself.
            .bracketed_paste(false)
            .auto_add_history(true)
            .max_history_size(REMEMBERED)
            .map_err(unusable)?
            .build();
        let mut editor = LineEditor::with_config(config).map_err(unusable)?;
        let labels = Labels::default();
        editor.set_helper(Some(Assistant { labels: Rc::clone(&labels), style }));
        if let Ok(printer) = editor.create_external_printer() {
            voice::use_printer(printer);
        }
        let history = history_file();
        if let Some(file) = &history {
            // There is none the first time.
            let _ = editor.load_history(file);
        }
        Ok(Self { line: editor, history, labels })
    }

    /// Reads a line. `labels` may be completed.
    pub fn read(&mut self, labels: impl Iterator<Item = String>) -> Result<Typed> {
        *self.labels.borrow_mut() = labels.collect();
        match self.line.readline(PROMPT) {
            Ok(line) => Ok(Typed::Line(line)),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Typed::Nothing),
            Err(error) => Err(unusable(error)),
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if let Some(file) = &self.history {
            // A history that cannot be kept is no reason to fail.
            let _ = file.parent().map_or(Ok(()), fs::create_dir_all);
            let _ = self.line.save_history(file);
        }
    }
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("cannot read from the terminal: {error}"))
        .advise("commands can be piped in: `rsipc console < FILE`")
}

/// Where programs keep what they remember, by the XDG Base Directory Specification.
fn history_file() -> Option<PathBuf> {
    let absolute =
        |name| env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    state.map(|state| state.join(Path::new("rsipc/history")))
}

impl Assistant {
    /// Words that may stand after the name of this command.
    fn candidates(&self, command: &Command, start: &str) -> Vec<String> {
        let names = |kind| {
            objects::scan()
                .unwrap_or_default()
                .into_iter()
                .filter(move |object| object.kind() == kind)
        };
        let shown = |kind| names(kind).map(|object| object.shown_name());
        let mut words = match command.name {
            "help" => catalogue::all().map(|command| command.name.to_owned()).collect(),
            "errno" => explain::names(),
            "sem_open" | "sem_unlink" => shown(Kind::Sem).collect(),
            "mq_open" | "mq_unlink" => shown(Kind::Mq).collect(),
            "shm_open" | "shm_unlink" => shown(Kind::Shm).collect(),
            _ => self.labels.borrow().clone(),
        };
        if start.starts_with('O') {
            words.extend(OPEN_FLAGS.iter().map(|(name, _)| (*name).to_owned()));
        }
        words.extend(alternatives(command).map(str::to_owned));
        words
    }
}

/// Constants that the arguments name.
fn alternatives(command: &Command) -> impl Iterator<Item = &'static str> {
    let separators = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let words = command.arguments.split(separators).chain(command.more.split(separators));
    words.filter(|word| ["SIGEV_", "CLOCK_", "PROT_"].iter().any(|prefix| word.starts_with(prefix)))
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = &line[..position];
        // Flags are joined by bars.
        let start = before.rfind([' ', '|']).map_or(0, |place| place + 1);
        let typed = &before[start..];
        let mut words = match before.split_whitespace().next() {
            Some(first) if start > 0 => catalogue::find(first.as_bytes())
                .map_or_else(Vec::new, |command| self.candidates(command, typed)),
            _ => catalogue::all().map(|command| command.name.to_owned()).collect(),
        };
        words.retain(|word| word.starts_with(typed));
        words.sort();
        words.dedup();
        if let [only] = words.as_mut_slice()
            && !only.starts_with("O_")
        {
            only.push(' ');
        }
        Ok((start, words))
    }
}

impl Hinter for Assistant {
    type Hint = String;

    /// The arguments that are still to come. Only in another colour than what was typed.
    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<String> {
        if !self.style.is_coloured() || position < line.len() || !line.ends_with(' ') {
            return None;
        }
        let mut words = line.split_whitespace();
        let command = catalogue::find(words.next()?.as_bytes())?;
        let rest: Vec<&str> = command.arguments.split(' ').skip(words.count()).collect();
        (!rest.is_empty()).then(|| rest.join(" "))
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.style.paint(Tone::Faint, hint))
    }
}

impl Validator for Assistant {}
impl Helper for Assistant {}

/// A label as it can be typed.
pub fn typed(label: &[u8]) -> String {
    escape::word(label)
}
