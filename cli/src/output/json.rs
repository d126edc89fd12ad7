//! What programs read. `docs/json.md` describes it; a change that could break a reader changes
//! [`VERSION`].

use serde::Serialize;

use super::print;
use crate::failure::Result;

/// The version of the format.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// Prints one JSON object with the version in front.
pub fn print_document(content: impl Serialize) -> Result<()> {
    let document = Document { version: VERSION, content };
    let mut text =
        serde_json::to_string_pretty(&document).expect("the documents hold no map with odd keys");
    text.push('\n');
    print(text)
}
