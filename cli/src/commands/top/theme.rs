//! How things look: in colours where they are wanted, and with more than ASCII where the terminal
//! knows it.

use std::env;

use ratatui::style::{Color, Modifier, Style as Look};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::style::{Style, Tone};

#[derive(Clone, Copy)]
pub struct Theme {
    is_coloured: bool,
    is_unicode: bool,
}

impl Theme {
    pub fn of_terminal() -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env::var_os);
        let locale = locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        let is_unicode = locale.contains("utf-8") || locale.contains("utf8");
        Self { is_coloured: Style::of_stdout().is_coloured(), is_unicode }
    }

    pub fn look(self, tone: Tone) -> Look {
        let look = match tone {
            Tone::Plain => Look::new(),
            Tone::Heading => Look::new().add_modifier(Modifier::BOLD),
            Tone::Faint => Look::new().add_modifier(Modifier::DIM),
            Tone::Good => Look::new().fg(Color::Green),
            Tone::Notable => Look::new().fg(Color::Yellow),
            Tone::Bad => Look::new().fg(Color::Red),
        };
        if self.is_coloured { look } else { Look { fg: None, ..look } }
    }

    /// Of the chosen row, and of the lines around the list.
    pub fn selected() -> Look {
        Look::new().add_modifier(Modifier::REVERSED)
    }

    /// A character for each number, the last ones at the end: as high as the number is beside the
    /// largest.
    pub fn sparkline(self, newest_first: impl Iterator<Item = f64>, width: usize) -> String {
        const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const ASCII: [char; 9] = [' ', '.', ',', '-', '~', '=', '+', '*', '#'];
        let heights = if self.is_unicode { BLOCKS } else { ASCII };
        let mut numbers: Vec<f64> = newest_first.take(width).collect();
        numbers.reverse();
        let largest = numbers.iter().copied().fold(0.0, f64::max);
        let bars =
            numbers.iter().map(|number| heights[height(*number, largest, heights.len() - 1)]);
        " ".repeat(width - numbers.len()) + &bars.collect::<String>()
    }

    /// A name that fits.
    pub fn fit(self, text: &str, width: usize) -> String {
        if text.width() <= width {
            return text.to_owned();
        }
        let mut fitting = String::new();
        let mut left = width.saturating_sub(1);
        for character in text.chars() {
            let Some(rest) = left.checked_sub(character.width().unwrap_or(0)) else { break };
            left = rest;
            fitting.push(character);
        }
        fitting.push(if self.is_unicode { '…' } else { '~' });
        fitting
    }
}

/// Whatever is more than nothing is seen.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]
fn height(number: f64, largest: f64, highest: usize) -> usize {
    if number <= 0.0 {
        0
    } else {
        ((number / largest * highest as f64).ceil() as usize).clamp(1, highest)
    }
}

/// Three digits or so: `0`, `2.5`, `120`, `15.2k`.
pub fn short_rate(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        ..9.95 => format!("{rate:.1}"),
        ..9_999.5 => format!("{rate:.0}"),
        ..999_950.0 => format!("{:.1}k", rate / 1e3),
        ..999_950_000.0 => format!("{:.1}M", rate / 1e6),
        _ => format!("{:.1}G", rate / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEME: Theme = Theme { is_coloured: false, is_unicode: true };

    #[test]
    fn bars_are_as_high_as_the_numbers() {
        assert_eq!(THEME.sparkline([8.0, 0.0, 0.001, 4.0].into_iter(), 6), "  ▄▁ █");
        assert_eq!(THEME.sparkline([1.0, 2.0, 3.0].into_iter(), 2), "█▄");
        assert_eq!(THEME.sparkline([0.0].into_iter(), 3), "   ");
        let ascii = Theme { is_unicode: false, ..THEME };
        assert!(ascii.sparkline([1.0, 2.0, 3.0].into_iter(), 3).is_ascii());
    }

    #[test]
    fn names_are_cut() {
        assert_eq!([5, 4, 1].map(|width| THEME.fit("/abcd", width)), ["/abcd", "/ab…", "…"]);
        assert_eq!(THEME.fit("/漢字", 4), "/漢…");
        assert_eq!(THEME.fit("x", 0), "…");
    }

    #[test]
    fn rates_in_few_digits() {
        let shown = [0.0, 0.04, 2.5, 9.96, 9_999.4, 15_234.0, 2.5e6, 3e9].map(short_rate);
        assert_eq!(shown, ["0", "0.0", "2.5", "10", "9999", "15.2k", "2.5M", "3.0G"]);
    }

    #[test]
    fn no_colours_where_none_are_wanted() {
        assert_eq!(THEME.look(Tone::Bad).fg, None);
        assert_eq!(Theme { is_coloured: true, ..THEME }.look(Tone::Bad).fg, Some(Color::Red));
    }
}
