//! Long lines for a terminal: folded between words, what follows further in. A word that is wider
//! than the terminal stays whole, so that it can be copied.

use unicode_width::UnicodeWidthChar;

/// What follows is so many columns further in than the line.
const FURTHER: usize = 4;

/// The lines, none wider than that where words allow it. None: as they are.
pub fn fold(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    text.split_inclusive('\n').map(|line| fold_line(line, width)).collect()
}

fn fold_line(line: &str, width: usize) -> String {
    let inner = line.trim_start_matches(' ');
    let indent = line.len() - inner.len();
    let mut out = " ".repeat(indent);
    let (mut used, mut is_first) = (indent, true);
    for word in inner.split(' ') {
        let wide = columns(word);
        if !is_first && used + 1 + wide > width {
            out.push('\n');
            used = indent + FURTHER;
            out.push_str(&" ".repeat(used));
        } else if !is_first {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
        is_first = false;
    }
    out
}

/// Columns of the terminal, without sequences that give colours.
fn columns(word: &str) -> usize {
    let mut is_in_sequence = false;
    let visible = |character: char| {
        let was_in_sequence = is_in_sequence;
        is_in_sequence = character == '\x1b' || (is_in_sequence && character != 'm');
        if was_in_sequence || is_in_sequence { 0 } else { character.width().unwrap_or(0) }
    };
    word.chars().map(visible).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_words() {
        let text = "short\n  one two \x1b[31mthree\x1b[0m four\nunbreakable line\n";
        assert_eq!(fold(text, None), text);
        let folded =
            "short\n  one two\n      \x1b[31mthree\x1b[0m\n      four\nunbreakable\n    line\n";
        assert_eq!(fold(text, Some(11)), folded);
        assert_eq!(fold("  漢字 漢字\n", Some(11)), "  漢字 漢字\n");
        assert_eq!(fold("  漢字 漢字\n", Some(10)), "  漢字\n      漢字\n");
    }
}
