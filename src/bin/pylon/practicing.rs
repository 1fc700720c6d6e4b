//! Printing of the practice market: its opening, its jobs, how it all came out.

use pylon_hud::node::Failure;

use crate::args::{Output, Practice};
use crate::commands::practice::Line;
use crate::report::{json, line};

type Printed = Result<(), Failure>;

/// The market is open.
pub fn opening(relay: &str, engine: &str, output: Output) -> Printed {
    if output.json {
        return Ok(());
    }
    line(&format!("PRACTICE market on {relay}: no money, no internet. Answers come from {engine}."))?;
    if engine.contains("practice") {
        line("No model server answers, so the built-in practice engine does; its answers say so. Start Ollama to hear a real model.")?;
    }
    Ok(())
}

/// One job, as it ended.
pub fn job(job: &Result<Line, String>, output: Output) -> Printed {
    match job {
        Ok(job) if output.json => json(&serde_json::json!({
            "id": job.row.id,
            "state": job.row.state,
            "ms": ms(job),
            "tokens": job.row.answer_tokens,
            "partials": job.purchase.partials,
        })),
        Ok(job) => {
            let tokens = job.row.answer_tokens.unwrap_or_default();
            line(&format!("{}  {:<8} {:>6} ms {tokens:>5} tokens", job.row.id.short(), job.row.state.as_str(), ms(job)))
        }
        Err(error) if output.json => json(&serde_json::json!({ "error": error })),
        Err(error) => line(&format!("failed    {error}")),
    }
}

fn ms(job: &Line) -> u64 {
    u64::try_from(job.purchase.took.as_millis()).unwrap_or(u64::MAX)
}

/// The last line; a failure unless every job is done.
pub fn summary(jobs: &[Result<Line, String>], practice: &Practice, data_dir: &std::path::Path) -> Printed {
    let done: Vec<&Line> =
        jobs.iter().filter_map(|job| job.as_ref().ok()).filter(|job| job.row.state == pylon_hud::domain::job::JobState::Done).collect();
    let asked = practice.jobs as usize;
    let mut times: Vec<u64> = done.iter().map(|job| ms(job)).collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    if practice.output.json {
        json(&serde_json::json!({ "jobs": asked, "done": done.len(), "median_ms": median, "data_dir": data_dir }))?;
    } else {
        line(&format!("{} of {asked} jobs done, median {median} ms. Ledger: {}", done.len(), data_dir.display()))?;
        if let Some(job) = done.last() {
            line(&format!("Look at one with `pylon --practice jobs show {}`.", job.row.id.short()))?;
        }
    }
    if done.len() == asked { Ok(()) } else { Err(Failure::user(format!("{} of {asked} jobs were not delivered.", asked - done.len()))) }
}
