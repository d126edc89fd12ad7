//! rsipc(1), one page with all commands: what is written by hand in `man/rsipc.1.in`, and at each
//! of its marks what the definition of the arguments says about a command.

use std::fmt::Write;
use std::io;

use clap::Command;
use clap_mangen::Man;

const FRAME: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../man/rsipc.1.in"));
/// In front of a line that names a command, in the place of which comes its description.
const MARK: &str = ".\\\"@ ";

/// The page. Fails when the frame and the commands do not fit together.
pub fn page(mut root: Command) -> io::Result<String> {
    root = root.disable_help_subcommand(true);
    root.build();
    let version = root.get_version().unwrap_or_default().to_owned();
    let mut missing = Vec::new();
    leaves(&root, "", &mut missing);
    let mut page = String::new();
    for line in FRAME.lines() {
        if let Some(path) = line.strip_prefix(MARK) {
            if !missing.iter().any(|name| name == path) {
                return Err(io::Error::other(format!(
                    "man/rsipc.1.in: no command, or twice: {path}"
                )));
            }
            missing.retain(|name| name != path);
            page += &describe(find(&mut root, path))?;
        } else if !line.starts_with(".\\\"") {
            page += &line.replace("@VERSION@", &version);
            page.push('\n');
        }
    }
    if missing.is_empty() {
        Ok(page)
    } else {
        Err(io::Error::other(format!("man/rsipc.1.in: no place for {}", missing.join(", "))))
    }
}

/// The commands that do something, `ls` and `sem create` for example.
fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
    let mut is_leaf = true;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        is_leaf = false;
        leaves(sub, &format!("{path} {}", sub.get_name()), found);
    }
    if is_leaf {
        found.push(path.trim_start().to_owned());
    }
}

fn find<'a>(root: &'a mut Command, path: &str) -> &'a mut Command {
    path.split(' ')
        .fold(root, |command, name| command.find_subcommand_mut(name).expect("a path of `leaves`"))
}

/// Heading, usage, purpose and options.
fn describe(command: &mut Command) -> io::Result<String> {
    let name = command.get_bin_name().expect("the command is built").to_owned();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim_start_matches(&name).to_owned();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        ".SS \"{name}\"\n\\fB{name}\\fR{}\n.PP\n{}.",
        escape(&usage),
        escape(&about)
    );
    let command = command.clone().mut_args(|argument| {
        // It is the same for all, and said once.
        let is_help = argument.get_id() == "help";
        argument.hide(is_help)
    });
    let mut options = Vec::new();
    Man::new(command).render_options_section(&mut options)?;
    text += &tidy(&String::from_utf8(options).map_err(io::Error::other)?);
    Ok(text)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}

/// Without the heading, and without what formatters warn of: blanks at the end, empty lines, breaks
/// one after the other.
fn tidy(options: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let body = options.lines().map(str::trim_end);
    for line in
        body.filter(|line| !line.is_empty() && ![".SH", ".ie", ".el"].contains(&first_word(line)))
    {
        if line != ".br" || lines.last() != Some(&".br") {
            lines.push(line);
        }
    }
    lines.iter().map(|line| line.replace("\\*(Aq", "\\(aq") + "\n").collect()
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}
