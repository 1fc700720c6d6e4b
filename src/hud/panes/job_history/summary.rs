//! Totals and shapes over the table.

use bevy_egui::egui::{Ui, WidgetText};

use crate::domain::job::JobState;
use crate::domain::money::Sats;
use crate::hud::state::History;
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, card, chart, words};
use crate::store::{JobRow, Span, Stats};

/// Finished jobs whose durations are drawn.
const POINTS: usize = 60;
/// Below this height the charts leave their room to the table.
const CHARTS_LEAST: f32 = 300.0;
/// And below this one the cards do: the table scrolls, they do not.
const CARDS_LEAST: f32 = 180.0;

/// Draws the cards, and the charts where there is room.
pub fn view(ui: &mut Ui, history: &History) {
    let room = ui.available_height();
    let Some(stats) = history.stats.as_ref().filter(|_| room >= CARDS_LEAST) else { return };
    card::cards(ui, figures(Ink::of(ui), stats, history));
    if room < CHARTS_LEAST {
        return;
    }
    ui.horizontal(|ui| {
        let half = (ui.available_width() - ui.spacing().item_spacing.x) / 2.0;
        let days: Vec<u64> = stats.days.iter().map(|day| day.done).collect();
        chart::bars(ui, half, &days).on_hover_text("Jobs delivered, day by day (UTC); today is the last bar.");
        let took: Vec<u64> = durations(history).into_iter().rev().collect();
        chart::line(ui, half, &took).on_hover_text("How long the last jobs took from request to answer, the newest at the right.");
    });
    ui.add_space(tokens::STEP);
}

fn figures(ink: Ink, stats: &Stats, history: &History) -> Vec<(&'static str, WidgetText, &'static str)> {
    let figure = |text: String| WidgetText::from(ink.bold(Text::Figure, text));
    let week = &stats.week;
    let median = median(durations(history)).map_or_else(|| words::NONE.to_owned(), words::millis);
    vec![
        ("jobs 7 d", figure(words::count(week.jobs)), "Jobs taken in the last seven days, by the ledger."),
        ("delivered", figure(share(week)), "Of the jobs that came to an end, those that were delivered."),
        paid_or_tokens(ink, week),
        ("median", figure(median), "From request to answer, over the newest jobs below."),
    ]
}

/// What came in; for a provider who asks nothing, what it gave.
fn paid_or_tokens(ink: Ink, week: &Span) -> (&'static str, WidgetText, &'static str) {
    if week.earned.0 > 0 {
        let paid = ink.sats(Text::Figure, Sats(week.earned.0 / 1000)).into();
        ("paid 7 d", paid, "What came in for jobs, by the wallet's own records.")
    } else {
        let tokens = ink.bold(Text::Figure, words::count(week.answer_tokens)).into();
        ("tokens 7 d", tokens, "Tokens of all answers, by the model servers' own counters.")
    }
}

/// Delivered of all that ended.
fn share(span: &Span) -> String {
    let ended = span.done + span.failed + span.cancelled;
    if ended == 0 { words::NONE.to_owned() } else { format!("{:.1} %", span.done as f64 * 100.0 / ended as f64) }
}

/// Of the newest delivered jobs, the newest first, in milliseconds.
fn durations(history: &History) -> Vec<u64> {
    let delivered = history.rows.iter().filter(|row| matches!(row.state, JobState::Done | JobState::Settled));
    delivered.filter_map(JobRow::total_ms).take(POINTS).collect()
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_jobs_that_ended_count_for_the_share() {
        assert_eq!(share(&Span { jobs: 9, ..Span::default() }), words::NONE);
        assert_eq!(share(&Span { jobs: 9, done: 3, failed: 1, ..Span::default() }), "75.0 %");
        assert_eq!(median(vec![9, 1, 5]), Some(5));
        assert_eq!(median(Vec::new()), None);
    }
}
