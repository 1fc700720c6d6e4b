//! Printing of what is bought.

use pylon_hud::domain::money::MilliSats;
use pylon_hud::node::Failure;
use pylon_hud::store::{Offer, PurchaseDetail, PurchasePage, PurchaseRow};

use crate::args::Output;
use crate::money::sats;
use crate::report::{json, line, utc};

type Printed = Result<(), Failure>;

/// One request on one line.
pub fn row_line(row: &PurchaseRow) -> String {
    let paid = if row.paid == MilliSats(0) { "-".to_owned() } else { sats(row.paid) };
    let reason = row.reason.as_deref().map(|reason| format!("  {reason}")).unwrap_or_default();
    let prompt: String = row.prompt.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{}  {:<9} {paid:>10}  {prompt}{reason}", row.id.short(), row.state.as_str())
}

/// One offer on one line.
pub fn offer_line(offer: &Offer) -> String {
    let asked = offer.asked.map_or_else(|| "-".to_owned(), sats);
    let verdict = match offer.flaw {
        None => "can be paid".to_owned(),
        Some(flaw) => {
            let detail = offer.detail.as_deref().filter(|detail| !detail.is_empty());
            format!("{flaw}: {}{}", flaw.words(), detail.map(|detail| format!(" ({detail})")).unwrap_or_default())
        }
    };
    format!("{}  from {}  {asked:>10}  {verdict}", offer.request.short(), offer.provider.short())
}

/// `pylon job submit` and `cancel`.
pub fn row(row: &PurchaseRow, output: Output) -> Printed {
    if output.json { json(row) } else { line(&row_line(row)) }
}

/// `pylon job pay`: what was decided; what comes of it shows in the request.
pub fn paying(row: &PurchaseRow, output: Output) -> Printed {
    if output.json {
        return json(row);
    }
    line(&format!("An offer for {} is being paid; see what comes of it with `pylon job status {}`.", row.id.short(), row.id.short()))
}

/// `pylon job list`.
pub fn page(page: &PurchasePage, output: Output) -> Printed {
    if output.json {
        return json(page);
    }
    if page.rows.is_empty() {
        return line("No requests.");
    }
    page.rows.iter().try_for_each(|row| line(&format!("{}  {}", utc(row.created_at), row_line(row))))
}

/// `pylon job status`.
pub fn detail(detail: &PurchaseDetail, output: Output) -> Printed {
    if output.json {
        return json(detail);
    }
    let row = &detail.row;
    line(&format!("request  {}", row.id))?;
    line(&format!("state    {}", row.state))?;
    if let Some(reason) = &row.reason {
        line(&format!("reason   {reason}"))?;
    }
    line(&format!("paid     {}", sats(row.paid)))?;
    if let Some(provider) = row.provider {
        line(&format!("provider {provider}"))?;
    }
    for offer in &detail.offers {
        line(&format!("offer    {}", offer_line(offer)))?;
    }
    for step in &detail.journal {
        let fact = step.fact.map_or_else(|| "Drafted".to_owned(), |fact| format!("{fact:?}"));
        line(&format!("{}  {fact:<16} {}", utc(step.at), step.to))?;
    }
    match &detail.answer {
        Some(answer) => line(&format!("\n{answer}")),
        None => Ok(()),
    }
}
