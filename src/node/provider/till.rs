//! The till: invoices out, payments in.
//!
//! Decisions:
//! - A job is paid when the wallet's own record of this invoice says so: told by its event, looked up when a quote runs
//!   out, or found in its list after a restart. Never by an amount, a time or a tag.
//! - An invoice is sent only after the ledger has it. One made just before a crash is an orphan: nobody ever sees it.
//! - A quote that ran out is still paid for if money comes: the job is run if it can be, and otherwise the money is owed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::offer::offer;
use super::queue::Accepted;
use super::voice::{Voice, Words};
use super::{Context, Finished, Provider, intake};
use crate::domain::admission::{self, Load, Rules};
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::job::JobState;
use crate::domain::payment::{Direction, Invoice};
use crate::domain::quote::Deal;
use crate::domain::time::UnixMs;
use crate::nip90::amount::Amount;
use crate::node::event::{Scope, sentence};
use crate::store::{JobRow, OpenInvoice, Settlement, StoreError};
use crate::wallet::{InvoiceRequest, WalletError, WalletEvent, bolt11};

/// How long a quote that has run out is kept in memory.
const GRACE_MS: u64 = 600_000;

/// An invoice that was sent and waits.
pub struct Quote {
    pub accepted: Accepted,
    pub expires_at: UnixMs,
}

/// Quotes under way.
#[derive(Default)]
pub struct Till {
    quotes: HashMap<JobId, Quote>,
    /// Quotes that have run out a while ago: a payment may be on its way, and private mode keeps no text elsewhere.
    late: HashMap<JobId, Quote>,
    /// Invoices being made.
    making: HashMap<JobId, Pubkey>,
    /// The wallet's list has been held against the ledger since the start.
    is_reconciled: bool,
    is_reconciling: bool,
}

impl Till {
    /// Invoices that wait to be paid, and those being made.
    pub fn open(&self) -> u32 {
        u32::try_from(self.quotes.len() + self.making.len()).unwrap_or(u32::MAX)
    }

    /// Those of one buyer.
    pub fn open_of(&self, buyer: &Pubkey) -> u32 {
        let quotes = self.quotes.values().filter(|quote| quote.accepted.request.buyer == *buyer).count();
        let making = self.making.values().filter(|maker| *maker == buyer).count();
        u32::try_from(quotes + making).unwrap_or(u32::MAX)
    }

    pub fn quoted(&mut self, job: JobId, quote: Option<Box<Quote>>) {
        self.making.remove(&job);
        if let Some(quote) = quote {
            self.quotes.insert(job, *quote);
        }
    }

    /// The job is called off. Money may still come for it.
    pub fn forget(&mut self, job: JobId) {
        self.take(job);
    }

    /// Something was missed: the wallet's list is read again with the next sweep.
    pub fn look_again(&mut self) {
        self.is_reconciled = false;
    }

    /// How long until the next quote runs out.
    pub fn next_due(&self, now: UnixMs) -> Option<Duration> {
        let next = self.quotes.values().map(|quote| quote.expires_at).min()?;
        Some(Duration::from_millis(next.since(now)))
    }

    /// Sets the quotes aside that have run out, so that they are not due again in the same moment. Says whether it is known
    /// of each whether it was paid.
    fn take_due(&mut self, now: UnixMs) -> bool {
        self.late.retain(|_, quote| quote.expires_at.plus_ms(GRACE_MS) > now);
        self.late.extend(self.quotes.extract_if(|_, quote| quote.expires_at <= now));
        self.is_reconciled
    }

    /// The job is paid: what was kept for it.
    fn take(&mut self, job: JobId) -> Option<Accepted> {
        self.quotes.remove(&job).or_else(|| self.late.remove(&job)).map(|quote| quote.accepted)
    }
}

/// Waits for the next quote to run out; for ever if there is none.
pub async fn wait(due: Option<Duration>) {
    match due {
        Some(due) => tokio::time::sleep(due).await,
        None => std::future::pending().await,
    }
}

/// What the wallet says next; nothing, for ever, without a wallet.
pub async fn next(money: &mut Option<broadcast::Receiver<WalletEvent>>) -> Result<WalletEvent, RecvError> {
    let Some(events) = money else { return std::future::pending().await };
    let said = events.recv().await;
    if said == Err(RecvError::Closed) {
        *money = None;
    }
    said
}

impl Provider {
    /// Makes an invoice for a claimed job, writes it down, and sends it.
    pub(super) fn quote(&mut self, accepted: Accepted) {
        self.till.making.insert(accepted.request.id, accepted.request.buyer);
        let (context, voice, secs) = (Arc::clone(&self.context), self.voice.clone(), self.settings.quote_secs());
        self.work.push(Box::pin(async move {
            let id = accepted.request.id;
            let quoted = match make_invoice(&context, id, accepted.deal, secs).await {
                Ok(invoice) => store_quote(&context, &voice, accepted, invoice).await,
                Err(error) => {
                    no_invoice(&context, &voice, &accepted, &error).await;
                    None
                }
            };
            Finished::Quoted(id, quoted.map(Box::new))
        }));
    }

    /// Takes in what the wallet said.
    pub(super) fn wallet_said(&mut self, said: Result<WalletEvent, RecvError>) {
        match said {
            Ok(WalletEvent::Payment(payment)) => {
                if payment.direction == Direction::In
                    && payment.is_settled()
                    && let Some(hash) = payment.hash
                {
                    self.settle(hash);
                }
            }
            // Some of what it said is lost; its list has it all.
            Err(RecvError::Lagged(_)) => {
                self.till.look_again();
                self.reconcile();
            }
            Ok(WalletEvent::Changed) | Err(RecvError::Closed) => {}
        }
    }

    fn settle(&self, hash: PaymentHash) {
        let context = Arc::clone(&self.context);
        self.work.push(Box::pin(async move { settle(&context, hash).await }));
    }

    /// A job was paid for: it is run, unless all that is left is to give the money back.
    pub(super) fn paid(&mut self, row: JobRow) {
        let kept = self.till.take(row.id);
        self.context.tell_job(row.clone());
        match (row.state, kept) {
            (JobState::Paid, Some(accepted)) => self.waiting.push(accepted),
            (JobState::Paid, None) => {
                let (context, rules) = (Arc::clone(&self.context), self.settings.rules_for_resuming(row.kind));
                self.work.push(Box::pin(async move { context.reread_paid(row, &rules).await }));
            }
            (JobState::RefundDue, _) => self.context.tell_refund_due(row.id),
            _ => {}
        }
    }

    /// Looks at the invoices that have run out: the wallet is asked a last time, then the quote has expired.
    pub(super) fn sweep(&mut self) {
        if self.context.wallet.is_none() {
            return;
        }
        let now = self.context.clock.now();
        if !self.till.take_due(now) {
            return self.reconcile();
        }
        let context = Arc::clone(&self.context);
        self.work.push(Box::pin(async move {
            let due = match context.store.due_invoices(now).await {
                Ok(due) => due,
                Err(error) => {
                    context.ledger_fault("what has run out", &error);
                    return Finished::Nothing;
                }
            };
            let mut paid = Vec::new();
            for invoice in due {
                paid.extend(context.run_out(invoice, now).await);
            }
            Finished::Heard(paid)
        }));
    }

    /// Holds the wallet's own list against the ledger: what was paid while nobody listened.
    pub(super) fn reconcile(&mut self) {
        let Some(wallet) = self.context.wallet.clone() else { return };
        if std::mem::replace(&mut self.till.is_reconciling, true) {
            return;
        }
        let context = Arc::clone(&self.context);
        self.work.push(Box::pin(async move {
            let (paid, complete) = context.reconcile(wallet.as_ref()).await;
            Finished::Reconciled { paid, complete }
        }));
    }

    /// Takes in what the wallet's list said.
    pub(super) fn reconciled(&mut self, paid: Vec<PaymentHash>, complete: bool) {
        self.till.is_reconciling = false;
        self.till.is_reconciled |= complete;
        self.heard(paid);
    }

    /// Payments by the wallet's own record.
    pub(super) fn heard(&self, paid: Vec<PaymentHash>) {
        for hash in paid {
            self.settle(hash);
        }
    }

    /// Takes up a quote an earlier run sent: it is sent again, the same one, and waits on.
    pub(super) fn resume_quote(&mut self, accepted: Accepted, invoice: &OpenInvoice) {
        let amount = Amount { msats: invoice.amount, invoice: Some(invoice.bolt11.clone()) };
        offer(&self.context, &self.voice, &accepted.request, &amount, invoice.expires_at);
        let id = accepted.request.id;
        self.till.quotes.insert(id, Quote { accepted, expires_at: invoice.expires_at });
    }
}

/// An invoice over exactly the price, checked as a stranger would check it.
pub(super) async fn make_invoice(context: &Context, job: JobId, deal: Deal, secs: u64) -> Result<Invoice, WalletError> {
    let Some(wallet) = &context.wallet else { return Err(WalletError::Unsupported("there is no wallet")) };
    let request = InvoiceRequest { amount: deal.price, description: format!("Job {}", job.short()), expiry_secs: secs };
    // A wallet that makes no invoice is looked at: nobody should have to find out job by job.
    let invoice = wallet.invoice(request).await.inspect_err(|_| context.doubt.notify_one())?;
    let amount = bolt11::payable(&invoice, wallet.network(), context.clock.now())?;
    if amount != deal.price {
        return Err(WalletError::Refused(format!("it made an invoice over {} msats instead of {}", amount.0, deal.price.0)));
    }
    Ok(invoice)
}

async fn store_quote(context: &Arc<Context>, voice: &Voice, accepted: Accepted, invoice: Invoice) -> Option<Quote> {
    let id = accepted.request.id;
    match context.store.quote(id, invoice.clone(), accepted.deal.price, context.clock.now()).await {
        Ok(row) => context.tell_job(row),
        // Called off while the invoice was made: it was never sent.
        Err(StoreError::Illegal(_)) => return None,
        Err(error) => {
            context.ledger_fault("a quote", &error);
            return None;
        }
    }
    let amount = Amount { msats: accepted.deal.price, invoice: Some(invoice.bolt11) };
    offer(context, voice, &accepted.request, &amount, invoice.expires_at);
    Some(Quote { accepted, expires_at: invoice.expires_at })
}

async fn no_invoice(context: &Context, voice: &Voice, accepted: &Accepted, error: &WalletError) {
    let reason = "This provider cannot take payments at the moment; try again later.";
    match context.store.fail(accepted.request.id, "no-invoice", sentence(error), context.clock.now()).await {
        Ok(row) => context.tell_job(row),
        Err(StoreError::Illegal(_)) => return,
        Err(error) => return context.ledger_fault("a job without an invoice", &error),
    }
    voice.say(&accepted.request, Words::Error { reason });
    context.outlet.fault(Scope::Wallet, format!("The wallet made no invoice: {error}."), "Look at the wallet; jobs fail until it does.");
}

/// Writes down that an invoice is paid. Heard before or not ours: nothing happens.
async fn settle(context: &Arc<Context>, hash: PaymentHash) -> Finished {
    match context.store.settle(hash, context.clock.now()).await {
        Ok(Settlement::New(row)) => Finished::Paid(row),
        Ok(Settlement::Known | Settlement::NotOurs) => Finished::Nothing,
        // Read again it would be the same.
        Err(error @ StoreError::Illegal(_)) => {
            let message = format!("Money has come in for an invoice of ours and cannot be booked: {error}.");
            context.outlet.fault(Scope::Wallet, message, "It is in the wallet. `pylon doctor` compares the two.");
            Finished::Nothing
        }
        Err(error) => {
            // The wallet has the money and the ledger does not know: the list is read again at the next chance.
            context.ledger_fault("a payment", &error);
            Finished::Unheard
        }
    }
}

impl Context {
    pub(super) fn tell_refund_due(&self, job: JobId) {
        let message = format!("The job {} was paid for and will not be done: the money is owed to its buyer.", job.short());
        self.outlet.fault(Scope::Wallet, message, "Pay it back: `pylon jobs refund`, with an invoice of the buyer.");
    }

    /// A paid job whose text is no longer in memory.
    async fn reread_paid(self: Arc<Self>, row: JobRow, rules: &Rules) -> Finished {
        let text = self.store.request_of(row.id).await.ok().flatten();
        let deal = Deal { policy: row.policy, price: row.price };
        let read = text.as_deref().and_then(|json| intake::reread(json, &self));
        let admitted = read.and_then(|(request, event)| {
            let admitted = admission::admit(&request, rules, Load::default(), self.clock.now()).ok()?;
            Some(Accepted { request, admitted, event, deal })
        });
        match admitted {
            Some(accepted) => Finished::ToRun(Box::new(accepted)),
            None => {
                self.owe(row.id, "text-not-kept", "The job was paid for when its text was gone.").await;
                Finished::Nothing
            }
        }
    }

    /// The money for a job has to go back.
    pub(super) async fn owe(&self, job: JobId, code: &'static str, reason: &str) {
        match self.store.owe_refund(job, code, reason.to_owned(), self.clock.now()).await {
            Ok(row) => {
                self.tell_job(row);
                self.tell_refund_due(job);
            }
            Err(StoreError::Illegal(_)) => {}
            Err(error) => self.ledger_fault("a refund that is owed", &error),
        }
    }

    /// An invoice has run out: paid after all, or not.
    async fn run_out(&self, invoice: OpenInvoice, now: UnixMs) -> Option<PaymentHash> {
        let wallet = self.wallet.as_ref()?;
        // While the wallet cannot say, the quote stands: it may be paid.
        let Ok(payment) = wallet.payment(invoice.hash).await else { return None };
        if let Some(payment) = payment
            && payment.direction == Direction::In
            && payment.is_settled()
        {
            // The event that says so is on its way or was lost; either way this is the wallet's record.
            return Some(invoice.hash);
        }
        let written = match invoice.state {
            JobState::Quoted => self.store.expire_quote(invoice.job, now).await,
            JobState::AwaitingPayment => self.store.overdue(invoice.job, now).await,
            _ => return None,
        };
        match written {
            Ok(row) => self.tell_job(row),
            Err(StoreError::Illegal(_)) => {}
            Err(error) => self.ledger_fault("a quote that ran out", &error),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys, Kind};

    use super::*;
    use crate::nip90::request;

    /// A quote for a job of this key's, good until then.
    fn quote(keys: &Keys, expires_at: UnixMs) -> Quote {
        let event = EventBuilder::new(Kind::from(5050), "Why?").sign_with_keys(keys).expect("signed");
        let request = request::read(&event, &Keys::generate()).expect("a request");
        let admitted = admission::Admitted { prompt: "Why?".into(), sampling: request.sampling.clone() };
        Quote { accepted: Accepted { request, admitted, event: Box::new(event), deal: Deal::FREE }, expires_at }
    }

    #[test]
    fn a_quote_that_has_run_out_is_due_once_even_while_the_wallet_cannot_say_whether_it_was_paid() {
        let (mut till, quote) = (Till::default(), quote(&Keys::generate(), UnixMs(1_000)));
        let job = quote.accepted.request.id;
        till.quoted(job, Some(Box::new(quote)));
        assert_eq!(till.next_due(UnixMs(1_000)), Some(Duration::ZERO));
        assert!(!till.take_due(UnixMs(1_000)), "the wallet's list has not been read");
        assert_eq!(till.next_due(UnixMs(1_000)), None, "or the provider would look at it without a pause");
        assert!(till.take(job).is_some(), "paid after all, it can be run");
    }
}
