//! Completions for shells: those that follow from the definition of the arguments, and the names of
//! the objects that are there.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

const BASH: &str = include_str!("completions/objects.bash");
const ZSH: &str = include_str!("completions/objects.zsh");
const FISH: &str = include_str!("completions/objects.fish");

/// Writes a file for each shell.
pub fn write(command: &mut Command, directory: &Path) -> io::Result<()> {
    for (shell, objects) in [(Shell::Bash, BASH), (Shell::Zsh, ZSH), (Shell::Fish, FISH)] {
        let path = clap_complete::generate_to(shell, command, "rsipc", directory)?;
        let made = fs::read_to_string(&path)?;
        let whole = if shell == Shell::Zsh { in_zsh(&made, objects) } else { made + objects };
        fs::write(path, whole)?;
    }
    Ok(())
}

/// There each argument names what completes it, and the script ends with a call.
fn in_zsh(made: &str, objects: &str) -> String {
    let is_name = |line: &str| {
        let starts = [
            "':name -- ",
            "'*::names -- ",
            "'*::asked -- ",
            "'*::objects -- ",
            "':queue -- ",
            "'*::queues -- ",
        ];
        starts.iter().any(|start| line.trim_start().starts_with(start))
    };
    let complete = |line: &str| match line.rsplit_once(":_default'") {
        Some((before, after)) if is_name(line) => format!("{before}:_rsipc_objects'{after}\n"),
        _ => format!("{line}\n"),
    };
    let lines: String = made.lines().map(complete).collect();
    match lines.find("\n_rsipc() {") {
        Some(place) => format!("{}{objects}{}", &lines[..place], &lines[place..]),
        None => lines,
    }
}
