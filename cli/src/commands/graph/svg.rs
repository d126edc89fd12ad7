//! The graph as a picture of its own: processes on the left, objects on the right, lines in
//! between.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::picture::{LineKind, Node, Picture};
use crate::deadlock::Confidence;

/// In pixels.
const ROW: usize = 48;
const LEGEND_ROW: usize = 24;
/// The legend has room.
const NARROWEST: usize = 440;
/// The headings of the columns are above.
const FIRST: usize = 44;
const BOX_HEIGHT: usize = 30;
const MARGIN: usize = 20;
const GAP: usize = 260;
const CHARACTER: usize = 8;
const PADDING: usize = 24;

/// A column of boxes.
struct Column {
    title: &'static str,
    left: usize,
    width: usize,
}

impl Column {
    fn new(title: &'static str, left: usize, nodes: &[Node]) -> Self {
        let widest = nodes.iter().map(|node| node.label.width()).max().unwrap_or(0);
        let widest = widest.max(title.len());
        Self { title, left, width: widest * CHARACTER + PADDING }
    }

    fn right(&self) -> usize {
        self.left + self.width
    }
}

fn top(row: usize) -> usize {
    FIRST + row * ROW
}

fn middle(row: usize) -> usize {
    top(row) + BOX_HEIGHT / 2
}

/// How a kind of line is drawn, and what it says.
struct Pen {
    colour: &'static str,
    thickness: usize,
    dashes: &'static str,
    meaning: &'static str,
    /// The end that the arrow is at.
    arrow: &'static str,
}

const KINDS: [LineKind; 5] =
    [LineKind::Has, LineKind::Taken, LineKind::Waits, LineKind::Doubtful, LineKind::Stuck];
/// The legend has two columns.
const LEGEND_ROWS: usize = KINDS.len().div_ceil(2);

fn pen(kind: LineKind) -> Pen {
    let (colour, thickness, dashes, meaning, arrow) = match kind {
        LineKind::Has => ("#888888", 1, "", "has it open", ""),
        LineKind::Taken => ("#333333", 2, "", "has taken from it", " marker-start=\"url(#taken)\""),
        LineKind::Waits => (
            "#b87300",
            2,
            " stroke-dasharray=\"6 4\"",
            "waits for it",
            " marker-end=\"url(#waits)\"",
        ),
        LineKind::Doubtful => (
            "#cc0000",
            2,
            " stroke-dasharray=\"6 4\"",
            "may wait for ever",
            " marker-end=\"url(#stuck)\"",
        ),
        LineKind::Stuck => ("#cc0000", 3, "", "waits for ever", " marker-end=\"url(#stuck)\""),
    };
    Pen { colour, thickness, dashes, meaning, arrow }
}

impl Pen {
    fn draw(&self, class: &str, from: (usize, usize), to: (usize, usize), out: &mut String) {
        let Self { colour, thickness, dashes, meaning, arrow } = self;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{colour}\" \
             stroke-width=\"{thickness}\"{dashes}{arrow}><title>{meaning}</title></line>",
            from.0, from.1, to.0, to.1,
        );
    }
}

/// The heads of the arrows, of the same size whatever the lines are.
fn draw_heads(out: &mut String) {
    out.push_str("<defs>\n");
    for (name, kind) in
        [("taken", LineKind::Taken), ("waits", LineKind::Waits), ("stuck", LineKind::Stuck)]
    {
        let colour = pen(kind).colour;
        let _ = writeln!(
            out,
            "<marker id=\"{name}\" markerUnits=\"userSpaceOnUse\" markerWidth=\"12\" \
             markerHeight=\"12\" refX=\"11\" refY=\"6\" orient=\"auto-start-reverse\">\
             <path d=\"M0,1 L12,6 L0,11 z\" fill=\"{colour}\"/></marker>"
        );
    }
    out.push_str("</defs>\n");
}

/// What the lines mean, and the red boxes.
fn draw_legend(top: usize, out: &mut String) {
    const SAMPLE: usize = 40;
    const COLUMN: usize = 200;
    for (number, kind) in KINDS.into_iter().enumerate() {
        let pen = pen(kind);
        let (left, y) = (MARGIN + number % 2 * COLUMN, top + number / 2 * LEGEND_ROW);
        pen.draw("legend", (left, y), (left + SAMPLE, y), out);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{y}\" dy=\"0.35em\">{}</text>",
            left + SAMPLE + PADDING / 2,
            pen.meaning
        );
    }
}

pub fn draw(picture: &Picture) -> String {
    let processes = Column::new("processes", MARGIN, &picture.processes);
    let objects = Column::new("objects", processes.right() + GAP, &picture.objects);
    let rows = picture.processes.len().max(picture.objects.len()).max(1);
    let legend = top(rows) + LEGEND_ROW;
    let width = (objects.right() + MARGIN).max(NARROWEST);
    let height = legend + LEGEND_ROWS * LEGEND_ROW;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n\
         <title>Processes and the objects that they have open and wait for</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    draw_heads(&mut out);
    for line in &picture.lines {
        let from = (processes.right(), middle(line.process));
        pen(line.kind).draw("edge", from, (objects.left, middle(line.object)), &mut out);
    }
    draw_column(&processes, &picture.processes, 3, &mut out);
    draw_column(&objects, &picture.objects, BOX_HEIGHT / 2, &mut out);
    draw_legend(legend, &mut out);
    out.push_str("</svg>\n");
    out
}

fn draw_column(column: &Column, nodes: &[Node], roundness: usize, out: &mut String) {
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{MARGIN}\" text-anchor=\"middle\" dy=\"0.35em\" \
         font-weight=\"bold\">{}</text>",
        column.left + column.width / 2,
        column.title
    );
    for (row, node) in nodes.iter().enumerate() {
        let (stroke, fill, dashes) = match node.stuck {
            None => ("#333333", "#f5f5f5", ""),
            Some(Confidence::Possible) => ("#cc0000", "#f5f5f5", " stroke-dasharray=\"6 4\""),
            Some(_) => ("#cc0000", "#ffe5e5", ""),
        };
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BOX_HEIGHT}\" rx=\"{roundness}\" \
             fill=\"{fill}\" stroke=\"{stroke}\"{dashes}/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" dy=\"0.35em\">{}</text>",
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
