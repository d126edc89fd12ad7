//! What an error number means for a call, and what to do about it.

mod meaning;
mod posix;
mod sysv;
mod sysv_others;

use rsipc_core::os::Errno;

use meaning::Meaning;

/// The first row of a call and an error counts.
fn meanings() -> impl Iterator<Item = &'static Meaning> {
    posix::TABLE.iter().chain(sysv::TABLE).chain(sysv_others::TABLE)
}

/// What this error means when this call fails.
pub fn explain(call: &str, error: Errno) -> Option<&'static Meaning> {
    of(call).find(|meaning| meaning.error == error)
}

/// Everything that can go wrong with a call.
pub fn of(call: &str) -> impl Iterator<Item = &'static Meaning> {
    let mut seen = Vec::new();
    meanings().filter(move |meaning| {
        let counts = meaning.calls.contains(&call) && !seen.contains(&meaning.error.0);
        if counts {
            seen.push(meaning.error.0);
        }
        counts
    })
}

/// `ENOENT`, or the number where it has no name here.
pub fn name(error: Errno) -> String {
    match format!("{error:?}") {
        number if number.starts_with("errno ") => number,
        name => name,
    }
}

/// Errors by their names, as they are typed.
pub fn named(text: &str) -> Option<Errno> {
    let known = meanings().map(|meaning| meaning.error);
    let number = text.parse().ok().map(Errno);
    number.or_else(|| known.into_iter().find(|error| name(*error) == text.to_ascii_uppercase()))
}

/// All names, once.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = meanings().map(|meaning| name(meaning.error)).collect();
    names.sort();
    names.dedup();
    names
}

/// Calls that something is said of.
#[cfg(test)]
pub fn calls() -> impl Iterator<Item = &'static str> {
    meanings().flat_map(|meaning| meaning.calls.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_reached() {
        for meaning in meanings() {
            let reached = meaning.calls.iter().filter_map(|call| explain(call, meaning.error));
            assert!(
                reached.into_iter().any(|found| std::ptr::eq(found, meaning)),
                "{:?}: {} is hidden by earlier rows",
                meaning.error,
                meaning.words
            );
        }
    }

    #[test]
    fn errors_by_name_and_number() {
        assert_eq!(named("ENOENT"), Some(Errno::ENOENT));
        assert_eq!(named("eagain"), Some(Errno::EAGAIN));
        assert_eq!(named("2"), Some(Errno::ENOENT));
        assert_eq!(named("ENONSENSE"), None);
        assert_eq!(name(Errno(4000)), "errno 4000");
    }

    #[test]
    fn the_closer_meaning_counts() {
        assert!(explain("mq_open", Errno::EACCES).unwrap().words.contains("second slash"));
        assert!(explain("sem_open", Errno::EACCES).unwrap().words.contains("mode of the object"));
        assert!(explain("sem_post", Errno::ENOENT).is_none());
    }
}
