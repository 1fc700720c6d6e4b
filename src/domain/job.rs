//! The life of a job on the provider's side, as a pure state machine (see the ledger's `journal`).
//!
//! ```text
//! seen ─▶ refused
//!      ─▶ quoted ─▶ expired ─▶ (late payment) paid
//!                ─▶ paid ─▶ running ─▶ answered ─▶ done
//!                                   ─▶ failed ─▶ refund_due ─▶ refunded | written_off
//!      ─▶ running ─▶ answered ─▶ done                            free
//!                             ─▶ awaiting_payment ─▶ settled | unpaid    result first
//!                             ─▶ failed ─▶ (paid all the same) settled   result first, private
//! ```
//!
//! A transition is written before the effect it announces, so each state means "this much is safe to repeat": a job
//! found `running` is run again, a job found `answered` is only published again.

use serde::{Deserialize, Serialize};

use super::words::names;

/// When a job is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// An invoice first, work after.
    #[default]
    PayFirst,
    /// The answer first, an invoice with it.
    ResultFirst,
    /// No money.
    Free,
}

names! {
    /// Where a job stands.
    pub enum JobState {
        /// Claimed: no other process or relay copy will take it.
        Seen = "seen",
        /// Turned away before any cost; a reason is kept.
        Refused = "refused",
        /// An invoice exists and waits.
        Quoted = "quoted",
        /// The invoice ran out unpaid. A late payment can still arrive.
        Expired = "expired",
        /// The wallet's own record says this invoice is settled.
        Paid = "paid",
        /// A model works on it, or did when the node stopped.
        Running = "running",
        /// The signed answer is stored. It is never made again.
        Answered = "answered",
        /// A relay took the answer.
        Done = "done",
        /// No answer could be made. Final only when nothing was paid.
        Failed = "failed",
        /// Money was taken and must go back.
        RefundDue = "refund_due",
        Refunded = "refunded",
        /// The operator gave up on a refund.
        WrittenOff = "written_off",
        /// Delivered, invoice open.
        AwaitingPayment = "awaiting_payment",
        /// Delivered and paid afterwards.
        Settled = "settled",
        /// Delivered and not paid in time. A late payment still settles it.
        Unpaid = "unpaid",
        /// The buyer or the operator called it off before an answer was stored.
        Cancelled = "cancelled",
    }
}

/// What happened to a job. Each becomes one row of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Refused,
    Quoted,
    QuoteExpired,
    /// The wallet's own record for this invoice is settled.
    PaymentSettled,
    /// A model was given the prompt; after a restart, given it again.
    Started,
    /// The signed result event is stored.
    AnswerStored,
    /// The first relay took the result event.
    Delivered,
    /// The answer was kept in memory alone (private mode), and the process ended before a relay took it.
    AnswerLost,
    Failed,
    RefundOwed,
    Refunded,
    WrittenOff,
    /// A result-first invoice ran out.
    PaymentOverdue,
    Cancelled,
}

/// Whether money came in for a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payment {
    #[default]
    None,
    Received,
}

/// A job's state with the two things its next step depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    pub state: JobState,
    pub policy: Policy,
    pub payment: Payment,
}

/// A fact that cannot follow from where the job stands. Nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} under policy {policy:?} (payment: {payment:?}) cannot become {fact:?}", from = .standing.state, policy = .standing.policy, payment = .standing.payment)]
pub struct IllegalStep {
    pub standing: Standing,
    pub fact: Fact,
}

impl Standing {
    /// A job just claimed.
    pub const fn claimed(policy: Policy) -> Self {
        Self { state: JobState::Seen, policy, payment: Payment::None }
    }

    /// The standing after `fact`, or why that cannot be.
    pub fn apply(self, fact: Fact) -> Result<Self, IllegalStep> {
        use JobState as S;
        let paid = self.payment == Payment::Received;
        let to = |state| Ok(Self { state, ..self });
        let received = |state| Ok(Self { state, payment: Payment::Received, ..self });
        match (self.state, fact) {
            (S::Seen, Fact::Refused) => to(S::Refused),
            (S::Seen, Fact::Quoted) if self.policy == Policy::PayFirst => to(S::Quoted),
            (S::Quoted, Fact::QuoteExpired) => to(S::Expired),
            (S::Quoted | S::Expired, Fact::PaymentSettled) => received(S::Paid),
            (S::Cancelled, Fact::PaymentSettled) if self.policy == Policy::PayFirst => received(S::RefundDue),
            (S::Seen, Fact::Started) if self.policy != Policy::PayFirst => to(S::Running),
            (S::Paid | S::Running, Fact::Started) => to(S::Running),
            (S::Running, Fact::AnswerStored) => to(S::Answered),
            (S::Answered, Fact::AnswerLost) => to(S::Failed),
            // Paid before a relay said it had the answer: it had, or nobody could have paid.
            (S::Answered, Fact::PaymentSettled) if self.policy == Policy::ResultFirst && !paid => received(S::Answered),
            (S::Answered, Fact::Delivered) if self.policy == Policy::ResultFirst && paid => to(S::Settled),
            (S::Answered, Fact::Delivered) if self.policy == Policy::ResultFirst => to(S::AwaitingPayment),
            (S::Answered, Fact::Delivered) => to(S::Done),
            (S::AwaitingPayment | S::Unpaid, Fact::PaymentSettled) => received(S::Settled),
            // Its answer was lost here and yet paid for. The invoice went out with the answer and in no other way.
            (S::Failed, Fact::PaymentSettled) if self.policy == Policy::ResultFirst && !paid => received(S::Settled),
            (S::AwaitingPayment, Fact::PaymentOverdue) => to(S::Unpaid),
            (S::Seen | S::Running, Fact::Failed) => to(S::Failed),
            (S::Paid | S::Failed, Fact::RefundOwed) if paid => to(S::RefundDue),
            // Given up, and then the payment that was thought to have failed arrived after all.
            (S::RefundDue | S::WrittenOff, Fact::Refunded) => to(S::Refunded),
            (S::RefundDue, Fact::WrittenOff) => to(S::WrittenOff),
            (S::Paid | S::Running, Fact::Cancelled) if paid => to(S::RefundDue),
            (S::Seen | S::Quoted | S::Running, Fact::Cancelled) => to(S::Cancelled),
            _ => Err(IllegalStep { standing: self, fact }),
        }
    }

    /// Nothing is left to do on our own account. A payment that arrives late can still move it.
    pub fn is_final(self) -> bool {
        match self.state {
            JobState::Failed => self.payment == Payment::None,
            JobState::Refused
            | JobState::Expired
            | JobState::Done
            | JobState::Refunded
            | JobState::WrittenOff
            | JobState::Settled
            | JobState::Unpaid
            | JobState::Cancelled => true,
            JobState::Seen
            | JobState::Quoted
            | JobState::Paid
            | JobState::Running
            | JobState::Answered
            | JobState::RefundDue
            | JobState::AwaitingPayment => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FACTS: &[Fact] = &[
        Fact::Refused,
        Fact::Quoted,
        Fact::QuoteExpired,
        Fact::PaymentSettled,
        Fact::Started,
        Fact::AnswerStored,
        Fact::Delivered,
        Fact::AnswerLost,
        Fact::Failed,
        Fact::RefundOwed,
        Fact::Refunded,
        Fact::WrittenOff,
        Fact::PaymentOverdue,
        Fact::Cancelled,
    ];

    fn run(policy: Policy, facts: &[Fact]) -> Result<Standing, IllegalStep> {
        facts.iter().try_fold(Standing::claimed(policy), |standing, fact| standing.apply(*fact))
    }

    #[test]
    fn each_policy_reaches_its_ends() {
        use Fact as F;
        use JobState as S;
        let table: &[(Policy, &[Fact], JobState)] = &[
            (Policy::Free, &[F::Started, F::AnswerStored, F::Delivered], S::Done),
            (Policy::Free, &[F::Refused], S::Refused),
            (Policy::Free, &[F::Started, F::Started, F::Failed], S::Failed),
            (Policy::Free, &[F::Started, F::Cancelled], S::Cancelled),
            (Policy::PayFirst, &[F::Quoted, F::PaymentSettled, F::Started, F::AnswerStored, F::AnswerLost, F::RefundOwed], S::RefundDue),
            (Policy::PayFirst, &[F::Quoted, F::PaymentSettled, F::Started, F::AnswerStored, F::Delivered], S::Done),
            (Policy::PayFirst, &[F::Quoted, F::QuoteExpired], S::Expired),
            (Policy::PayFirst, &[F::Quoted, F::QuoteExpired, F::PaymentSettled, F::RefundOwed, F::Refunded], S::Refunded),
            (Policy::PayFirst, &[F::Quoted, F::PaymentSettled, F::Started, F::Failed, F::RefundOwed, F::WrittenOff], S::WrittenOff),
            (Policy::PayFirst, &[F::Quoted, F::PaymentSettled, F::Started, F::Cancelled], S::RefundDue),
            (Policy::PayFirst, &[F::Quoted, F::Cancelled, F::PaymentSettled], S::RefundDue),
            (Policy::ResultFirst, &[F::Started, F::AnswerStored, F::Delivered, F::PaymentSettled], S::Settled),
            (Policy::ResultFirst, &[F::Started, F::AnswerStored, F::PaymentSettled, F::Delivered], S::Settled),
            (Policy::ResultFirst, &[F::Started, F::AnswerStored, F::Delivered, F::PaymentOverdue, F::PaymentSettled], S::Settled),
            (Policy::ResultFirst, &[F::Started, F::AnswerStored, F::AnswerLost, F::PaymentSettled], S::Settled),
        ];
        for (policy, facts, end) in table {
            assert_eq!(run(*policy, facts).map(|standing| standing.state), Ok(*end), "{policy:?} {facts:?}");
        }
    }

    #[test]
    fn a_pay_first_job_never_runs_unpaid() {
        assert!(run(Policy::PayFirst, &[Fact::Started]).is_err());
        assert!(run(Policy::PayFirst, &[Fact::Quoted, Fact::Started]).is_err());
        assert!(run(Policy::PayFirst, &[Fact::Quoted, Fact::QuoteExpired, Fact::Started]).is_err());
    }

    #[test]
    fn a_stored_answer_is_never_made_again() {
        for fact in [Fact::Started, Fact::AnswerStored, Fact::Failed, Fact::Cancelled] {
            assert!(run(Policy::Free, &[Fact::Started, Fact::AnswerStored, fact]).is_err(), "{fact:?}");
        }
    }

    #[test]
    fn names_survive_the_ledger() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse::<JobState>(), Ok(*state));
            assert_eq!(serde_json::to_value(state).expect("json"), state.as_str());
        }
        assert!("finished".parse::<JobState>().is_err());
    }

    proptest! {
        /// Whatever happens in whatever order, money that came in is either earned, owed back, or gone back.
        #[test]
        fn money_received_is_never_forgotten(policy in 0..3usize, steps in prop::collection::vec(0..FACTS.len(), 0..24)) {
            let policy = [Policy::PayFirst, Policy::ResultFirst, Policy::Free][policy];
            let mut standing = Standing::claimed(policy);
            for step in steps {
                let was = standing;
                standing = standing.apply(FACTS[step]).unwrap_or(standing);
                prop_assert!(was.payment == Payment::None || standing.payment == Payment::Received);
                if standing.payment == Payment::Received && standing.is_final() {
                    prop_assert!(matches!(standing.state, JobState::Done | JobState::Settled | JobState::Refunded | JobState::WrittenOff), "{:?}", standing);
                }
                if policy == Policy::Free {
                    prop_assert_eq!(standing.payment, Payment::None);
                }
            }
        }

        /// An end stays an end unless money reopens it: one that comes in late, or a refund given up that has arrived.
        #[test]
        fn only_money_moves_a_final_state(state in 0..JobState::ALL.len(), paid: bool, fact in 0..FACTS.len()) {
            let standing = Standing { state: JobState::ALL[state], policy: Policy::PayFirst, payment: if paid { Payment::Received } else { Payment::None } };
            let is_late_refund = (standing.state, FACTS[fact]) == (JobState::WrittenOff, Fact::Refunded);
            if standing.is_final() && FACTS[fact] != Fact::PaymentSettled && !is_late_refund {
                prop_assert!(standing.apply(FACTS[fact]).is_err());
            }
        }
    }
}
