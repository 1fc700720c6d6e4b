//! The ledger's rows.

use bevy_egui::egui::{Align, Id, Label, Layout, Rect, Response, RichText, Sense, Sides, Ui, WidgetInfo, WidgetType, vec2};
use egui_extras::{Column, TableBuilder, TableRow};

use super::state_signal;
use crate::domain::job::Payment;
use crate::hud::action::UserAction;
use crate::hud::state::{History, Session};
use crate::hud::theme::{self, Text, tokens};
use crate::hud::widgets::scroll::{self, Scrolled};
use crate::hud::widgets::{Ink, Wishes, button, marks, tag, words};
use crate::node::NodeCommand;
use crate::store::{JobRow, JobsQuery};

/// A column: its heading, its width (none: what is left), which side its text stands on, and the least width of the
/// table that shows it.
struct Head {
    title: &'static str,
    width: Option<f32>,
    side: Align,
    least: f32,
}

const fn head(title: &'static str, width: Option<f32>, side: Align, least: f32) -> Head {
    Head { title, width, side, least }
}

/// Every column, from left to right. Those that matter least go first when there is little room.
const COLUMNS: [Head; 8] = [
    head("time", Some(68.0), Align::Min, 0.0),
    head("job", Some(68.0), Align::Min, 0.0),
    head("buyer", Some(86.0), Align::Min, 560.0),
    head("model", None, Align::Min, 420.0),
    head("status", Some(118.0), Align::Min, 0.0),
    head("tok", Some(52.0), Align::Max, 480.0),
    head("took", Some(76.0), Align::Max, 0.0),
    head(AMOUNT, Some(76.0), Align::Max, 680.0),
];
/// The column of what was paid. Its heading is what it is in.
const AMOUNT: &str = "amount";

/// Draws the table and what is below it.
pub fn view(ui: &mut Ui, history: &History, session: &Session, scrolled: &mut Scrolled, wishes: &mut Wishes) {
    let width = ui.available_width();
    let shown: Vec<&Head> = COLUMNS.iter().filter(|head| width >= head.least).collect();
    let ink = Ink::of(ui);
    // A row is pressed for its timeline.
    let height = theme::hit(ui.ctx());
    // In a low pane rows matter more than what is below them.
    let has_room = ui.available_height() >= tokens::TABLE_ROW + 2.0 * height + tokens::GAP;
    let room = ui.available_height() - tokens::TABLE_ROW - if has_room { height + tokens::GAP } else { 0.0 };
    // Whole rows: half a row looks like a fault.
    let room = (room / height).floor() * height;
    // One empty column more, for the scroll bar, in the pane's padding.
    let bar = f32::from(tokens::SCROLL_ROOM);
    let due = scrolled.due(ui);
    let table = scroll::wider(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(tokens::GAP, 0.0);
        let table = TableBuilder::new(ui)
            .id_salt(("jobs", shown.len()))
            // The row has the focus, not each of its cells.
            .sense(Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink([false, true])
            .min_scrolled_height(0.0)
            .max_scroll_height(room.max(height));
        let table = match due {
            Some(offset) => table.vertical_scroll_offset(offset),
            None => table,
        };
        let columns = shown.iter().map(|head| head.width.map_or_else(Column::remainder, Column::exact).clip(true));
        let table = columns.fold(table, TableBuilder::column).column(Column::exact(bar - tokens::GAP));
        let table = table.header(tokens::TABLE_ROW, |mut row| {
            for head in &shown {
                let title = if head.title == AMOUNT { ink.0.coin.mark() } else { head.title };
                cell(&mut row, head.side, |ui| ui.label(ink.low(Text::Table, title)));
            }
        });
        table.body(|body| {
            body.rows(height, history.rows.len(), |mut row| {
                if let Some(job) = history.rows.get(row.index()) {
                    let is_entered = line(&mut row, ink, &shown, job, width);
                    let response = row.response();
                    if is_entered || response.clicked() {
                        wishes.wish(UserAction::ShowJob(Some(job.id)));
                    } else if response.middle_clicked() {
                        wishes.wish(UserAction::OpenJob(job.id));
                    }
                }
            });
        })
    });
    scrolled.note(&table);
    if has_room {
        below(ui, ink, history, session, wishes);
    }
}

fn cell<R>(row: &mut TableRow<'_, '_>, side: Align, add: impl FnOnce(&mut Ui) -> R) {
    row.col(|ui| match side {
        Align::Max => drop(ui.with_layout(Layout::right_to_left(Align::Center), add)),
        Align::Min | Align::Center => drop(add(ui)),
    });
}

/// Draws a job. True when its row, `width` wide, was pressed by a key, or by the pointer at its beginning.
fn line(row: &mut TableRow<'_, '_>, ink: Ink, shown: &[&Head], job: &JobRow, width: f32) -> bool {
    let mut is_pressed = false;
    let known = |value: Option<u32>| value.map_or_else(|| words::NONE.to_owned(), |value| words::count(value.into()));
    for head in shown {
        cell(row, head.side, |ui| match head.title {
            "time" => {
                let whole = Rect::from_min_size(ui.max_rect().min, vec2(width, ui.max_rect().height()));
                let whole = ui.interact(whole, Id::new(("job row", job.id)), Sense::click());
                whole.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Job {}", job.id.short())));
                is_pressed = whole.clicked();
                text(ui, ink.mid(Text::Table, words::clock(job.seen_at))).on_hover_text(format!("{} UTC", words::date(job.seen_at)))
            }
            "job" => text(ui, ink.high(Text::Table, job.id.short())),
            "buyer" => text(ui, ink.mid(Text::Table, job.buyer.short())).on_hover_text(job.buyer.to_string()),
            "model" => text(ui, ink.mid(Text::Table, job.model.as_deref().unwrap_or(words::NONE))),
            "status" => status(ui, ink, job),
            "tok" => text(ui, ink.mid(Text::Table, known(job.answer_tokens))),
            "took" => text(ui, ink.mid(Text::Table, job.total_ms().map_or_else(|| words::NONE.to_owned(), words::millis))),
            _ => text(ui, ink.mid(Text::Table, paid(job))),
        });
    }
    is_pressed
}

fn text(ui: &mut Ui, text: RichText) -> Response {
    ui.add(Label::new(text).truncate())
}

fn status(ui: &mut Ui, ink: Ink, job: &JobRow) -> Response {
    let words = job.state.as_str().replace('_', " ");
    tag::tag(ui, state_signal(job.state), &words);
    let why = job.reason.as_deref().unwrap_or_default();
    text(ui, ink.low(Text::Hint, job.reason_code.as_deref().unwrap_or_default())).on_hover_text(why)
}

/// What came in for it. A free job brings nothing, and a price is no payment.
fn paid(job: &JobRow) -> String {
    match job.payment {
        Payment::None => words::NONE.to_owned(),
        Payment::Received => job.price.ceil_sats().to_string(),
    }
}

/// How many there are, and the way to older ones.
fn below(ui: &mut Ui, ink: Ink, history: &History, session: &Session, wishes: &mut Wishes) {
    let all = history.stats.as_ref().map(|stats| stats.all.jobs);
    let total = all.map_or_else(String::new, |all| format!("{} in the ledger · ", words::many(all, "job", "jobs")));
    let words = format!("{total}times are UTC · press a row for its timeline");
    let left = |ui: &mut Ui| ui.add(Label::new(ink.low(Text::Table, words)).truncate());
    let is_loading = session.awaits(&NodeCommand::Jobs { query: JobsQuery::default() });
    let right = |ui: &mut Ui| {
        let Some(before) = history.next else { return };
        if is_loading {
            ui.label(ink.low(Text::Table, "loading…"));
            return;
        }
        let older = button::small(ui, "Older");
        marks::main(&older);
        if older.clicked() {
            wishes.ask(NodeCommand::Jobs { query: JobsQuery { before: Some(before), ..JobsQuery::default() } });
        }
    };
    Sides::new().shrink_left().truncate().show(ui, left, right);
}
