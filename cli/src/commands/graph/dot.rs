//! The graph in the language of Graphviz.

use std::fmt::Write;

use super::picture::{LineKind, Node, Picture};
use crate::deadlock::Confidence;

pub fn draw(picture: &Picture) -> String {
    let mut out =
        String::from("digraph rsipc {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for (number, process) in picture.processes.iter().enumerate() {
        draw_node("p", number, "box", process, &mut out);
    }
    for (number, object) in picture.objects.iter().enumerate() {
        draw_node("o", number, "ellipse", object, &mut out);
    }
    for line in &picture.lines {
        let style = match line.kind {
            LineKind::Has => "color=gray, arrowhead=none, label=\"has it open\"",
            LineKind::Taken => "color=black, dir=back, label=\"has taken\"",
            LineKind::Waits => "color=orange, style=dashed, label=\"waits\"",
            LineKind::Doubtful => "color=red, style=dashed, label=\"may wait for ever\"",
            LineKind::Stuck => "color=red, style=bold, label=\"waits for ever\"",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  p{} -> o{} [{style}];", line.process, line.object);
    }
    out.push_str("}\n");
    out
}

fn draw_node(letter: &str, number: usize, shape: &str, node: &Node, out: &mut String) {
    let colour = match node.stuck {
        None => "",
        Some(Confidence::Possible) => ", color=red, style=dashed",
        Some(_) => ", color=red",
    };
    let label = node.label.replace('\\', "\\\\").replace('"', "\\\"");
    let _ = writeln!(out, "  {letter}{number} [shape={shape}{colour}, label=\"{label}\"];");
}
