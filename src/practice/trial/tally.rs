//! What a trial comes to, counted from the members' ledgers and wallets and from what the relay has seen.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::figures::{self, Figures};
use super::pair::Pair;
use super::witness::Witness;
use super::{Member, TrialError};
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::node::Verdict;
use crate::node::audit::audit;
use crate::wallet::Wallet as _;
use crate::wallet::practice::Behaviour;

/// The outcome of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Requests made.
    pub jobs: u64,
    /// Paid for, by the buyers' wallets.
    pub paid: u64,
    /// Whose answer the buyer has.
    pub delivered: u64,
    /// Paid for, not answered, and given back.
    pub refunded: u64,
    /// Paid for and neither answered nor given back.
    pub lost: u64,
    /// Paid for twice, or answered with two events.
    pub doubled: u64,
    /// Each ledger agrees with its wallet payment by payment, and all wallets together hold what they began with.
    pub invariant: bool,
    /// What was found wrong, in sentences.
    pub problems: Vec<String>,
    pub kills: u64,
    /// Messages lost, doubled, reordered or refused, and connections cut.
    pub damage: u64,
    pub figures: Figures,
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
}

fn millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

impl Tally {
    /// Nothing was lost, nothing happened twice, and the money adds up.
    pub fn is_good(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.invariant
    }
}

/// Counts. The members have to be stopped.
pub async fn count(pairs: &[Arc<Pair>], witness: &Witness) -> Result<Tally, TrialError> {
    let mut tally = Tally { doubled: witness.doubled(), ..Tally::default() };
    witness.close().await;
    let (mut held, mut began) = (0, 0);
    let mut times = Vec::new();
    for pair in pairs {
        let totals = pair.buyer.ledger()?.purchase_totals()?;
        times.extend(pair.buyer.ledger()?.purchase_times()?);
        tally.jobs += totals.requests;
        tally.paid += totals.paid;
        tally.delivered += totals.answered;
        tally.doubled += totals.paid_twice;
        for id in &totals.unanswered {
            if is_refunded(&pair.seller, *id) {
                tally.refunded += 1;
            } else {
                tally.lost += 1;
                tally.problems.push(format!("Request {id} was paid, and has neither an answer nor its money back."));
            }
        }
        for member in [&pair.seller, &pair.buyer] {
            began += member.funds.0;
            held += examine(member, &mut tally.problems).await?;
        }
    }
    tally.figures = figures::of(&times);
    if held != began {
        tally.problems.push(format!("All wallets together hold {held} msats, and began with {began}."));
    }
    let is_of_money = |problem: &&String| !problem.starts_with("Request ");
    tally.invariant = !tally.problems.iter().any(|problem| is_of_money(&problem));
    Ok(tally)
}

fn is_refunded(seller: &Member, id: JobId) -> bool {
    let job = seller.ledger().and_then(|ledger| ledger.job(&id.to_string()));
    job.is_ok_and(|job| job.record.state == JobState::Refunded)
}

/// Holds one member's ledger against its wallet; what the wallet holds, in msats.
async fn examine(member: &Member, problems: &mut Vec<String>) -> Result<u64, TrialError> {
    let name = member.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wallet = member.wallet(Behaviour::default()).await.map_err(super::MemberError::from)?;
    let finding = audit(&member.paths().ledger, &wallet).await;
    if finding.verdict != Verdict::Good {
        problems.push(format!("{name}: {}", finding.message));
    }
    problems.extend(member.ledger()?.integrity()?.into_iter().map(|problem| format!("{name}: {problem}.")));
    let snapshot = wallet.snapshot().await?;
    if snapshot.pending_out.0 > 0 {
        problems.push(format!("{name}: {} msats are still on their way.", snapshot.pending_out.0));
    }
    wallet.close().await;
    Ok(snapshot.balance.0 + snapshot.pending_out.0)
}
