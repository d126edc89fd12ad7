//! Patterns of names in the environment: `*` stands for any bytes, `?` for one.

/// Whether one of the patterns, separated by commas, fits the name. Leading slashes do not count.
pub fn any_fits(patterns: &[u8], name: &[u8]) -> bool {
    let name = without_slashes(name);
    patterns.split(|&byte| byte == b',').any(|pattern| {
        let pattern = without_slashes(pattern);
        !pattern.is_empty() && fits(pattern, name)
    })
}

fn without_slashes(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&byte| byte != b'/').unwrap_or(text.len());
    &text[start..]
}

/// After a mismatch the last star takes one byte more.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut star = None;
    while of < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, of));
            }
            Some(&byte) if byte == b'?' || byte == name[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return false };
                star = Some((behind, taken + 1));
                (at, of) = (behind, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_names() {
        for (patterns, name, fit) in [
            ("lock", "/lock", true),
            ("/lock", "lock", true),
            ("lock", "locks", false),
            ("a,lock*", "/lock-7", true),
            ("*-lock", "a-lock-lock", true),
            ("*-lock", "a-lock-locks", false),
            ("l?ck", "lock", true),
            ("l?ck", "lck", false),
            ("*", "/any", true),
            ("", "", false),
            (",", "a", false),
        ] {
            assert_eq!(any_fits(patterns.as_bytes(), name.as_bytes()), fit, "{patterns} {name}");
        }
    }
}
