//! Printing of sums: jobs and earnings.

use pylon_hud::domain::money::MilliSats;
use pylon_hud::node::Failure;
use pylon_hud::store::{EarningsRow, Stats};

use crate::args::Output;
use crate::money::sats;
use crate::report::{json, line};

type Printed = Result<(), Failure>;

/// `pylon jobs stats`.
pub fn stats(stats: &Stats, output: Output) -> Printed {
    if output.json {
        return json(stats);
    }
    for (name, span) in [("today", &stats.today), ("7 days", &stats.week), ("30 days", &stats.month), ("all", &stats.all)] {
        line(&format!(
            "{name:<8} {} jobs, {} done, {} failed, {} refused, {} answer tokens",
            span.jobs, span.done, span.failed, span.refused, span.answer_tokens
        ))?;
    }
    stats.refusals.iter().try_for_each(|(code, count)| line(&format!("refused  {count:>6}  {code}")))
}

/// `pylon earnings`.
pub fn earnings(rows: &[EarningsRow], output: Output) -> Printed {
    if output.json {
        return json(&rows);
    }
    if rows.is_empty() {
        return line("No job has run in that time, and none was paid.");
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
    rows.iter().try_for_each(|row| line(&format!("{:<width$}  {}", row.name, what_it_brought(row))))?;
    let profit = rows.iter().fold(0_i64, |sum, row| sum.saturating_add(row.profit_msats));
    line(&format!("{:<width$}  {} left", "in all", signed(profit)))?;
    if rows.iter().any(|row| row.electricity.is_none()) {
        line("Electricity is not counted: `pylon config set costs.watts` and `costs.sats_per_kwh` say what it costs.")?;
    }
    Ok(())
}

fn what_it_brought(row: &EarningsRow) -> String {
    let mut parts = vec![format!("{} jobs", row.jobs), format!("{} received", sats(row.received))];
    if row.refunded.0 > 0 {
        parts.push(format!("{} given back", sats(row.refunded)));
    }
    if let Some(electricity) = row.electricity {
        parts.push(format!("{} electricity", sats(electricity)));
    }
    parts.push(format!("{} left", signed(row.profit_msats)));
    parts.push(format!("{} s, {} tokens", row.ran_ms / 1000, row.answer_tokens));
    parts.join(", ")
}

fn signed(msats: i64) -> String {
    let sign = if msats < 0 { "-" } else { "" };
    format!("{sign}{}", sats(MilliSats(msats.unsigned_abs())))
}
