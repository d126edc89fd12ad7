//! Paths and calls in what a macro is given, or is made of: no syntax tree yet, so the tokens have
//! to tell.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

#[derive(Default)]
pub struct Found {
    /// Paths of several parts.
    pub paths: Vec<Vec<String>>,
    /// Methods, and whether they are called on `self`.
    pub calls: Vec<(String, bool)>,
}

impl Found {
    pub fn read(&mut self, tokens: TokenStream) {
        let words = self.words(tokens);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| is_name(word)) {
            let (before, after) = (&words[..at], &words[at + 1..]);
            match (before, after) {
                ([.., "::"] | [.., ".", "."], _) => {}
                ([.., "."], ["(" | "::", ..]) => {
                    let is_own = matches!(before, [.., "self", "."]);
                    self.calls.push(((*word).to_owned(), is_own));
                }
                (_, ["::", ..]) => self.paths.push(path(word, after)),
                _ => {}
            }
        }
    }

    /// Names, `::`, opening brackets and single characters; what is in the brackets is read apart.
    fn words(&mut self, tokens: TokenStream) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for token in tokens {
            let word = match token {
                TokenTree::Ident(name) => name.to_string(),
                TokenTree::Punct(mark) => mark.as_char().to_string(),
                TokenTree::Literal(_) => "\"".to_owned(),
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    let is_round = group.delimiter() == Delimiter::Parenthesis;
                    if is_round { "(" } else { "{" }.to_owned()
                }
            };
            match words.last_mut() {
                Some(last) if *last == ":" && word == ":" => last.push(':'),
                _ => words.push(word),
            }
        }
        words
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn path(first: &str, mut after: &[&str]) -> Vec<String> {
    let mut path = vec![first.to_owned()];
    while let ["::", name, others @ ..] = after
        && is_name(name)
    {
        path.push((*name).to_owned());
        after = others;
    }
    path
}
