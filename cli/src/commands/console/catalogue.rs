//! All commands of the console.

use super::command::Command;
use super::{memory, messages, own, queues, segments, semaphores, sets};

/// In the order of the help.
pub fn all() -> impl Iterator<Item = &'static Command> {
    let posix = [semaphores::COMMANDS, queues::COMMANDS, memory::COMMANDS];
    let sysv = [sets::COMMANDS, messages::COMMANDS, segments::COMMANDS];
    posix.into_iter().chain(sysv).chain([own::COMMANDS]).flatten()
}

pub fn find(name: &[u8]) -> Option<&'static Command> {
    all().find(|command| command.name.as_bytes() == name)
}

/// The command that was probably meant: the one with the longest common beginning, or that ends
/// like it.
pub fn similar(name: &[u8]) -> Option<&'static Command> {
    let common = |other: &[u8]| name.iter().zip(other).take_while(|(a, b)| a == b).count();
    let name_ends =
        |command: &&Command| !name.is_empty() && command.name.as_bytes().ends_with(name);
    let closest = all().max_by_key(|command| common(command.name.as_bytes()));
    all().find(name_ends).or_else(|| closest.filter(|command| common(command.name.as_bytes()) >= 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_each_is_found() {
        for command in all() {
            assert_eq!(
                all().filter(|other| other.name == command.name).count(),
                1,
                "{}",
                command.name
            );
            assert!(
                find(command.name.as_bytes()).is_some_and(|found| std::ptr::eq(found, command))
            );
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
