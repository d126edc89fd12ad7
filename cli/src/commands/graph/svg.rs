//! The graph as a picture of its own: processes on the left, objects on the right, lines in
//! between.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::picture::{LineKind, Node, Picture};

/// In pixels.
const ROW: usize = 48;
const BOX_HEIGHT: usize = 30;
const MARGIN: usize = 20;
const GAP: usize = 260;
const CHARACTER: usize = 8;
const PADDING: usize = 24;

/// A column of boxes.
struct Column {
    left: usize,
    width: usize,
}

impl Column {
    fn new(left: usize, nodes: &[Node]) -> Self {
        let widest = nodes.iter().map(|node| node.label.width()).max().unwrap_or(0);
        Self { left, width: widest * CHARACTER + PADDING }
    }

    fn right(&self) -> usize {
        self.left + self.width
    }
}

fn top(row: usize) -> usize {
    MARGIN + row * ROW
}

fn middle(row: usize) -> usize {
    top(row) + BOX_HEIGHT / 2
}

pub fn draw(picture: &Picture) -> String {
    let processes = Column::new(MARGIN, &picture.processes);
    let objects = Column::new(processes.right() + GAP, &picture.objects);
    let rows = picture.processes.len().max(picture.objects.len()).max(1);
    let (width, height) = (objects.right() + MARGIN, top(rows));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n\
         <title>Processes and the objects that they have and wait for</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for line in &picture.lines {
        let (colour, thickness, dashes, meaning) = match line.kind {
            LineKind::Has => ("#999999", 1, "", "has"),
            LineKind::Taken => ("#333333", 2, "", "has taken"),
            LineKind::Waits => ("#e69f00", 2, " stroke-dasharray=\"6 4\"", "waits"),
            LineKind::Stuck => ("#cc0000", 3, "", "waits for ever"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{colour}\" stroke-width=\"{thickness}\"{dashes}>\
             <title>{meaning}</title></line>",
            processes.right(),
            middle(line.process),
            objects.left,
            middle(line.object),
        );
    }
    draw_column(&processes, &picture.processes, 3, &mut out);
    draw_column(&objects, &picture.objects, BOX_HEIGHT / 2, &mut out);
    out.push_str("</svg>\n");
    out
}

fn draw_column(column: &Column, nodes: &[Node], roundness: usize, out: &mut String) {
    for (row, node) in nodes.iter().enumerate() {
        let (stroke, fill) =
            if node.is_stuck { ("#cc0000", "#ffe5e5") } else { ("#333333", "#f5f5f5") };
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BOX_HEIGHT}\" rx=\"{roundness}\" \
             fill=\"{fill}\" stroke=\"{stroke}\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" dominant-baseline=\"central\">{}</text>",
            column.left,
            top(row),
            column.width,
            column.left + column.width / 2,
            middle(row),
            escape_xml(&node.label),
        );
    }
}

fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
