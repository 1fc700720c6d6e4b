//! Paying once.
//!
//! The library promises that one key pays once, however often it is sent. So a payment whose answer was lost is looked up
//! by its key, and where the network says that it knows of none, it is sent again with the same key, until it has ended.
//! What may have gone out is pending until the library's record says how it ended.

use std::sync::Arc;

use tokio::sync::watch;

use super::desk::Desk;
use super::journal::{Fact, Journal, Outgoing, Target};
use super::keeper::AskError;
use super::protocol::{Answer, Call, Entry, Fault};
use super::record;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::records::Decision;
use crate::wallet::{IdempotencyKey, Prepared, Transfer, WalletError, bolt11};

/// How a payment came out, as far as it has.
pub type Outcome = Result<Payment, WalletError>;

/// For so long after its beginning, and after an invoice has expired, a payment that the network does not know may still
/// turn up: clocks differ, and servers take their time.
const GRACE_MS: u64 = 60_000;

/// What is known of a payment after looking.
enum Verdict {
    Open,
    /// The network knows of none.
    None,
    Ended(Payment),
}

impl Desk {
    /// Pays an invoice, or finds that this key has paid it. Returns a pending payment when no end comes in time.
    pub async fn send(self: &Arc<Self>, prepared: Prepared, key: IdempotencyKey) -> Outcome {
        // What is paid is what the invoice says, whatever was made of it in between.
        let invoice = bolt11::decode(&prepared.invoice.bolt11)?;
        if invoice.amount != Some(prepared.amount) || invoice.hash != prepared.invoice.hash {
            return Err(WalletError::Refused("what was prepared is not what the invoice says".to_owned()));
        }
        self.pay_to(Target::Invoice(invoice), prepared.amount, prepared.fee, key).await
    }

    /// Sends to an address, or finds that this key has.
    pub async fn transfer(self: &Arc<Self>, transfer: Transfer, key: IdempotencyKey) -> Outcome {
        self.pay_to(Target::Address(transfer.to), transfer.amount, transfer.fee, key).await
    }

    async fn pay_to(self: &Arc<Self>, to: Target, amount: MilliSats, most_fee: MilliSats, key: IdempotencyKey) -> Outcome {
        // On a task of its own: whoever stops waiting in the middle must not stop what has begun.
        let begun = self.tracker.spawn(Arc::clone(self).begin(to, amount, most_fee, key));
        begun.await.unwrap_or_else(|error| Err(WalletError::Unknown(error.to_string())))?;
        let end = self.underway().get(&key).map(watch::Sender::subscribe);
        if let Some(mut end) = end {
            tokio::select! {
                ended = end.wait_for(Option::is_some) => if let Some(outcome) = ended.ok().and_then(|ended| ended.clone()) {
                    return outcome;
                },
                () = tokio::time::sleep(self.patience) => {}
                () = self.token.cancelled() => {}
            }
        }
        let recorded = self.records.read(|book| book.outgoing(&key).and_then(Outgoing::payment));
        recorded.ok_or_else(|| WalletError::Refused("nothing was sent; try again".to_owned()))
    }

    async fn begin(self: Arc<Self>, to: Target, amount: MilliSats, most_fee: MilliSats, key: IdempotencyKey) -> Result<(), WalletError> {
        let _one_at_a_time = self.beginning.lock().await;
        let (now, network) = (self.clock.now(), self.network);
        let begun = self.transact(move |book| match book.outgoing(&key) {
            Some(outgoing) if outgoing.destination() != destination(&to) => {
                Err(WalletError::Refused("this idempotency key belongs to another payment".to_owned()))
            }
            Some(outgoing) if !outgoing.is_withdrawn() => Ok(Decision { fact: None, answer: false }),
            _ => {
                if let Target::Invoice(invoice) = &to {
                    payable(book, invoice, network, now)?;
                }
                Ok(Decision { fact: Some(Fact::Paying { key, to, amount, most_fee, at: now }), answer: true })
            }
        });
        if begun.await?
            && let Some(outgoing) = self.records.read(|book| book.outgoing(&key).cloned())
        {
            self.underway().insert(key, watch::Sender::new(None));
            self.tracker.spawn(Arc::clone(&self).pay(outgoing));
        }
        Ok(())
    }

    /// Goes on with what was pending when the wallet was closed.
    pub fn resume(self: &Arc<Self>) {
        for outgoing in self.records.read(Journal::pending) {
            self.underway().insert(outgoing.key, watch::Sender::new(None));
            self.tracker.spawn(Arc::clone(self).follow(outgoing));
        }
    }

    async fn pay(self: Arc<Self>, outgoing: Outgoing) {
        match self.ask_to_send(&outgoing).await {
            Ok(Answer::Sent(entry)) => {
                let payment = self.look_at(&outgoing, &entry);
                match payment {
                    Verdict::Ended(payment) => drop(self.conclude(&outgoing, payment).await),
                    Verdict::Open | Verdict::None => self.follow(outgoing).await,
                }
            }
            // Nothing has been tried before under this key, so nothing has been paid.
            Err(AskError::Fault(fault)) => {
                let error = self.refusal(fault, outgoing.amount, outgoing.most_fee).await;
                self.withdraw(&outgoing, error).await;
            }
            Err(AskError::Closed) => {}
            Ok(_) | Err(AskError::Away(_) | AskError::Lost | AskError::Late(_)) => self.follow(outgoing).await,
        }
    }

    async fn ask_to_send(&self, outgoing: &Outgoing) -> Result<Answer, AskError> {
        let sats = match &outgoing.to {
            // The invoice says it.
            Target::Invoice(_) => None,
            Target::Address(_) => Some(outgoing.amount.ceil_sats().0),
        };
        // A cost that is a part of a sat is ours to round, not a fee.
        let rounding = outgoing.amount.ceil_sats().0.saturating_mul(1_000).saturating_sub(outgoing.amount.0);
        let most_fee = outgoing.most_fee.0.saturating_sub(rounding) / 1_000;
        let call = Call::Send { to: outgoing.destination().to_owned(), sats, most_fee, key: record::id(outgoing.key) };
        self.ask(call, self.limits.send).await
    }

    /// Looks for a payment's end, with growing pauses, until it has one.
    async fn follow(self: Arc<Self>, outgoing: Outgoing) {
        let Some(mut end) = self.underway().get(&outgoing.key).map(watch::Sender::subscribe) else { return };
        let mut pause = self.poll;
        loop {
            tokio::select! {
                () = self.token.cancelled() => return,
                () = async { drop(end.wait_for(Option::is_some).await) } => return,
                () = tokio::time::sleep(pause) => {}
            }
            let verdict = match self.look(&outgoing).await {
                Verdict::None => self.try_again(&outgoing).await,
                verdict => verdict,
            };
            if let Verdict::Ended(payment) = verdict {
                return drop(self.conclude(&outgoing, payment).await);
            }
            pause = (pause * 2).min(self.longest_poll);
        }
    }

    /// Looks at the library's record of a payment. That there is none means something only while the network is there.
    async fn look(&self, outgoing: &Outgoing) -> Verdict {
        let was_online = self.is_online();
        match self.ask(Call::Payment { id: record::id(outgoing.key) }, self.limits.local).await {
            Ok(Answer::Payment(Some(entry))) => self.look_at(outgoing, &entry),
            Ok(Answer::Payment(None)) if was_online && self.is_online() => Verdict::None,
            _ => Verdict::Open,
        }
    }

    fn look_at(&self, outgoing: &Outgoing, entry: &Entry) -> Verdict {
        let payment = record::payment(entry, Some(outgoing));
        if record::is_about(entry, outgoing) && !payment.is_pending() { Verdict::Ended(payment) } else { Verdict::Open }
    }

    /// Nobody knows of it: it is sent again, or it is over.
    async fn try_again(&self, outgoing: &Outgoing) -> Verdict {
        let failed = |reason: String| Verdict::Ended(outgoing.ended(PaymentState::Failed { reason }));
        let now = self.clock.now();
        if let Target::Invoice(invoice) = &outgoing.to
            && invoice.expires_at <= now
        {
            let is_over = invoice.expires_at.max(outgoing.at).plus_ms(GRACE_MS) < now;
            return if is_over { failed("the invoice has expired, and the wallet knows of no payment".to_owned()) } else { Verdict::Open };
        }
        match self.ask_to_send(outgoing).await {
            Ok(Answer::Sent(entry)) => self.look_at(outgoing, &entry),
            // It is not tried for ever: what is refused after a while, and was never heard of, has failed.
            Err(AskError::Fault(fault)) if !matches!(fault, Fault::Network(_)) && outgoing.at.plus_ms(GRACE_MS) < now => {
                failed(fault.to_string())
            }
            _ => Verdict::Open,
        }
    }

    /// Writes a payment's end down and tells it. Returns the record: an end there was before stays, unless money has gone after all.
    pub async fn conclude(self: &Arc<Self>, outgoing: &Outgoing, payment: Payment) -> Payment {
        let (key, ended) = (outgoing.key, payment.clone());
        let written = self.transact(move |book| match book.outgoing(&key) {
            Some(outgoing) if outgoing.may_end_as(&ended) => {
                Ok(Decision { fact: Some(Fact::Ended { key, payment: ended.clone() }), answer: ended })
            }
            other => Ok(Decision { fact: None, answer: other.and_then(Outgoing::payment).unwrap_or(ended) }),
        });
        let recorded = written.await.unwrap_or_else(|error| {
            // It has ended all the same; at the next start the wallet is asked once more.
            tracing::warn!("A payment's end could not be written down: {error}.");
            payment
        });
        self.end(key, Ok(recorded.clone()));
        recorded
    }

    async fn withdraw(self: &Arc<Self>, outgoing: &Outgoing, error: WalletError) {
        let (key, at) = (outgoing.key, self.clock.now());
        let withdrawn = self.transact(move |book| {
            let pending = book.outgoing(&key).is_some_and(Outgoing::is_pending);
            Ok(Decision { fact: pending.then_some(Fact::Withdrawn { key, at }), answer: () })
        });
        if let Err(error) = withdrawn.await {
            tracing::warn!("That a payment was not sent could not be written down: {error}.");
        }
        self.end(key, Err(error));
    }

    fn end(&self, key: IdempotencyKey, outcome: Outcome) {
        if let Some(end) = self.underway().remove(&key) {
            end.send_replace(Some(outcome));
        }
    }
}

fn destination(to: &Target) -> &str {
    match to {
        Target::Invoice(invoice) => &invoice.bolt11,
        Target::Address(to) => to,
    }
}

/// Whether this invoice could be paid now, and how much that is. Asks nobody.
pub fn payable(book: &Journal, invoice: &Invoice, network: Network, now: UnixMs) -> Result<MilliSats, WalletError> {
    let amount = bolt11::payable(invoice, network, now)?;
    if book.is_ours(&invoice.hash) {
        return Err(WalletError::OwnInvoice);
    }
    match book.of_hash(&invoice.hash).and_then(Outgoing::payment) {
        Some(payment) if payment.is_settled() => Err(WalletError::AlreadyPaid),
        Some(payment) if payment.is_pending() => Err(WalletError::UnderWay),
        _ => Ok(amount),
    }
}
