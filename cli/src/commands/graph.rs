//! `rsipc graph`: who has what and who waits for it, as a picture; and who waits for ever.
//!
//! | module | |
//! |---|---|
//! | `advice` | what would wake those that wait for ever |
//! | `dot` | in the language of Graphviz |
//! | `picture` | boxes and lines |
//! | `scene` | what there is to draw |
//! | `svg` | a picture of its own |
//! | `text` | lines to read |
//! | `words` | deadlocks in words |

mod advice;
mod dot;
mod picture;
mod scene;
mod svg;
mod text;
pub mod words;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::deadlock;
use crate::failure::Result;
use crate::objects::Purpose;
use crate::output::style::Style;
use crate::output::{json, print, print_folded, warn};
use crate::survey::Depth;
use picture::Picture;
use scene::{Filter, Scene};

use super::selection::Selection;

/// Show which processes have or wait for which objects, and name deadlocks
#[derive(Args)]
pub struct Options {
    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Only the objects of this process: a PID, or the name of a program
    #[arg(long, short, value_name = "PID|PROGRAM")]
    process: Vec<String>,
    /// Also unnamed semaphores in the memory of processes; without this, only those in a deadlock
    #[arg(long)]
    private: bool,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Lines to read
    Text,
    /// For Graphviz
    Dot,
    /// A picture for a browser
    Svg,
    /// For programs
    Json,
}

pub fn run(options: &Options) -> Result<()> {
    let (survey, deadlocks) = deadlock::find(Depth::Memory)?;
    options.selection.settled(&survey).is_found(&survey)?;
    let filter = Filter {
        objects: options.selection.settled(&survey),
        processes: options.process.clone(),
        private: options.private,
    };
    let scene = Scene { survey, deadlocks, filter };
    match options.format {
        Format::Text => print_folded(&text::draw(&scene, Style::of_stdout()))?,
        Format::Dot => print(dot::draw(&Picture::of(&scene)))?,
        Format::Svg => print(svg::draw(&Picture::of(&scene)))?,
        Format::Json => {
            json::print_document(Graph::of(&scene))?;
            return scene.has_processes();
        }
    }
    if !matches!(options.format, Format::Text) {
        // A picture marks them in red; this says it.
        for deadlock in scene.deadlocks() {
            warn(words::name(deadlock, &scene.survey));
        }
    }
    if !scene.survey.is_complete() {
        warn(scene.survey.what_is_hidden());
    }
    scene.has_processes()
}

#[derive(Serialize)]
struct Graph {
    unseen_processes: usize,
    objects: Vec<crate::report::Report>,
    deadlocks: Vec<NamedDeadlock>,
}

#[derive(Serialize)]
struct NamedDeadlock {
    shape: deadlock::Shape,
    certain: bool,
    confidence: deadlock::Confidence,
    /// Why it is no more than possible, in words.
    doubts: Vec<String>,
    advice: Vec<String>,
    description: String,
    processes: Vec<Member>,
    sleepers: Vec<NamedSleeper>,
    /// Awake, and able to wake one of them; none if it is certain.
    others: Vec<Member>,
}

#[derive(Serialize)]
struct Member {
    pid: i32,
    program: String,
}

#[derive(Serialize)]
struct NamedSleeper {
    pid: i32,
    tid: i32,
    /// Null: it is not known any more.
    waits_for: Option<Purpose>,
    /// Null for anonymous shared memory.
    object: Option<String>,
    /// Null in a set.
    offset: Option<u64>,
    /// Of a set; null elsewhere.
    semaphore: Option<u16>,
    /// The processes that have taken what it waits for, by undo.
    held_by: Vec<i32>,
}

impl Graph {
    fn of(scene: &Scene) -> Self {
        let Scene { survey, .. } = scene;
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let member = |pid: &i32| Member { pid: *pid, program: lossy(survey.program(*pid)) };
        let deadlocks = scene.deadlocks().map(|deadlock| NamedDeadlock {
            shape: deadlock.shape,
            certain: deadlock.confidence == deadlock::Confidence::Certain,
            confidence: deadlock.confidence,
            doubts: words::doubts(deadlock, survey),
            advice: advice::of(deadlock, survey),
            description: words::name(deadlock, survey),
            processes: deadlock.members.iter().map(member).collect(),
            others: deadlock.others.iter().map(member).collect(),
            sleepers: deadlock
                .sleepers
                .iter()
                .map(|sleeper| NamedSleeper {
                    pid: sleeper.pid,
                    tid: sleeper.tid,
                    waits_for: sleeper.purpose(survey),
                    object: survey.object(sleeper.place.file).map(|object| lossy(&object.name)),
                    offset: sleeper.place.spot.byte(),
                    semaphore: sleeper.place.spot.semaphore(),
                    held_by: sleeper.givers.clone(),
                })
                .collect(),
        });
        Self {
            unseen_processes: survey.unseen,
            objects: scene
                .entries()
                .map(|entry| crate::report::Report::of(entry, survey))
                .collect(),
            deadlocks: deadlocks.collect(),
        }
    }
}
