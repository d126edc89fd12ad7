//! All commands of the console.

use super::arguments::Arguments;
use super::call::{Result, Step};
use super::session::Session;
use super::{memory, own, queues, semaphores};

/// A group of commands in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Semaphores,
    Queues,
    Memory,
    /// Of the console itself.
    Own,
}

impl Family {
    pub const ALL: [Self; 4] = [Self::Semaphores, Self::Queues, Self::Memory, Self::Own];

    pub fn title(self) -> &'static str {
        match self {
            Self::Semaphores => "Semaphores",
            Self::Queues => "Message queues",
            Self::Memory => "Shared memory",
            Self::Own => "The console",
        }
    }
}

/// A command, which has the name of its call.
pub struct Command {
    pub name: &'static str,
    pub family: Family,
    /// As they are typed.
    pub arguments: &'static str,
    /// In one line.
    pub summary: &'static str,
    /// What one must know beyond that.
    pub more: &'static str,
    pub example: &'static str,
    /// What the call returns when it fails. Empty for what is no call.
    pub failure: &'static str,
    pub run: fn(&mut Session, &mut Arguments) -> Result<Step>,
}

/// In the order of the help.
pub fn all() -> impl Iterator<Item = &'static Command> {
    [semaphores::COMMANDS, queues::COMMANDS, memory::COMMANDS, own::COMMANDS].into_iter().flatten()
}

pub fn find(name: &[u8]) -> Option<&'static Command> {
    all().find(|command| command.name.as_bytes() == name)
}

/// The command that was probably meant: the one with the longest common beginning, or that ends like it.
pub fn similar(name: &[u8]) -> Option<&'static Command> {
    let common = |other: &[u8]| name.iter().zip(other).take_while(|(a, b)| a == b).count();
    let name_ends = |command: &&Command| !name.is_empty() && command.name.as_bytes().ends_with(name);
    let closest = all().max_by_key(|command| common(command.name.as_bytes()));
    all().find(name_ends).or_else(|| closest.filter(|command| common(command.name.as_bytes()) >= 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_each_is_found() {
        for command in all() {
            assert_eq!(all().filter(|other| other.name == command.name).count(), 1, "{}", command.name);
            assert!(find(command.name.as_bytes()).is_some_and(|found| std::ptr::eq(found, command)));
        }
    }

    #[test]
    fn every_example_is_of_its_command() {
        for command in all() {
            assert_eq!(command.example.split(' ').next(), Some(command.name));
        }
    }

    #[test]
    fn what_was_probably_meant() {
        assert_eq!(similar(b"sem_pots").map(|command| command.name), Some("sem_post"));
        assert_eq!(similar(b"unlink").map(|command| command.name), Some("sem_unlink"));
        assert!(similar(b"x").is_none());
    }
}
