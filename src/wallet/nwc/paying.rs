//! Paying an invoice once.
//!
//! The request is sent one time. What comes after it only looks: an answer that was lost, or that leaves it open, is
//! made up for by a notification or by asking for the wallet's record, with growing pauses and for as long as it takes.
//!
//! A wallet may call a payment failed because it has waited long enough, and the payment may settle afterwards. So its no
//! is held against its record, and a record that is not there proves something only where outgoing payments have records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::desk::{Desk, failure};
use super::journal::{Fact, Journal, Outgoing};
use super::reply::Refusal;
use super::transaction;
use super::wire::{AskError, Question};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::records::Decision;
use crate::wallet::{IdempotencyKey, Prepared, WalletError, WalletEvent, bolt11};

/// How a payment ended.
pub type Outcome = Result<Payment, WalletError>;

/// How long after an invoice's end its payment may still turn up.
const GRACE_MS: u64 = 120_000;

/// What an invoice's earlier try means for the next one.
enum Before {
    /// It is over: this one may be sent.
    Over,
    /// It is still on its way, and its end is this one's: sending another would be asking to pay twice.
    UnderWay,
    Ended(Payment),
    Withdrawn(WalletError),
}

/// What is known of a payment after looking.
enum Verdict {
    Open,
    /// It has ended so.
    Ended(Payment),
    /// Surely nothing was paid, and it may be tried again.
    Withdrawn(WalletError),
}

impl Desk {
    /// Pays, or finds that this key has paid. Returns a pending payment when no end comes in time.
    pub async fn send(self: &Arc<Self>, prepared: Prepared, key: IdempotencyKey) -> Outcome {
        // On a task of its own: whoever stops waiting in the middle must not stop what has begun.
        let begun = self.tracker.spawn(Arc::clone(self).begin(prepared, key));
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

    async fn begin(self: Arc<Self>, prepared: Prepared, key: IdempotencyKey) -> Result<(), WalletError> {
        // What is paid is what the invoice says, whatever was made of it in between.
        let invoice = bolt11::decode(&prepared.invoice.bolt11)?;
        if invoice.amount != Some(prepared.amount) || invoice.hash != prepared.invoice.hash {
            return Err(WalletError::Refused("what was prepared is not what the invoice says".to_owned()));
        }
        let _one_at_a_time = self.beginning.lock().await;
        let (now, network) = (self.clock.now(), self.network());
        let begun = self.transact(move |book| match book.outgoing(&key) {
            Some(outgoing) if outgoing.invoice.hash != invoice.hash => {
                Err(WalletError::Refused("this idempotency key belongs to another invoice".to_owned()))
            }
            Some(outgoing) if !outgoing.is_withdrawn() => Ok(Decision { fact: None, answer: false }),
            _ => {
                payable(book, &invoice, network, now)?;
                Ok(Decision { fact: Some(Fact::Paying { key, invoice, at: now }), answer: true })
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

    /// Goes on with what was pending when the wallet was closed. Nothing is sent again.
    pub fn resume(self: &Arc<Self>) {
        for outgoing in self.records.read(Journal::pending) {
            self.underway().insert(outgoing.key, watch::Sender::new(None));
            self.tracker.spawn(Arc::clone(self).follow(outgoing, None, None));
        }
    }

    async fn pay(self: Arc<Self>, outgoing: Outgoing) {
        if outgoing.tried_before {
            match self.look_before(&outgoing).await {
                Before::Over => {}
                Before::UnderWay => {
                    let reason = "the earlier payment of this invoice has failed".to_owned();
                    return self.follow(outgoing, None, Some(reason)).await;
                }
                Before::Ended(payment) => return drop(self.conclude(&outgoing, payment).await),
                Before::Withdrawn(error) => return self.withdraw(&outgoing, error).await,
            }
        }
        match self.wire.begin("pay_invoice", json!({ "invoice": outgoing.invoice.bolt11 })).await {
            Ok(question) => self.follow(outgoing, Some(question), None).await,
            Err(error) => self.withdraw(&outgoing, error.into_error("paying")).await,
        }
    }

    /// An invoice that was tried before is only tried again when the wallet's record says that it may be.
    async fn look_before(&self, outgoing: &Outgoing) -> Before {
        match self.record_of(outgoing).await {
            Ok(Some(payment)) if payment.is_settled() => Before::Ended(payment),
            Ok(Some(payment)) if payment.is_pending() => Before::UnderWay,
            Ok(_) => Before::Over,
            Err(AskError::Refused(refusal)) => {
                let error = refusal.into_error("looking up a payment", MilliSats(0), MilliSats(0));
                let words = format!("this invoice was tried before, and what became of that cannot be looked up ({error})");
                Before::Withdrawn(WalletError::Refused(words))
            }
            Err(error) => Before::Withdrawn(error.into_error("looking up a payment")),
        }
    }

    /// Waits for a payment's end, from wherever it comes. `failed`: why it is over as far as the wallet has said.
    async fn follow(self: Arc<Self>, outgoing: Outgoing, mut question: Option<Question>, mut failed: Option<String>) {
        let Some(mut end) = self.underway().get(&outgoing.key).map(watch::Sender::subscribe) else { return };
        let mut pause = if question.is_some() { self.poll } else { Duration::ZERO };
        let mut next_pause = self.poll;
        loop {
            let look = async {
                tokio::time::sleep(pause).await;
                self.look(&outgoing, failed.as_deref()).await
            };
            let verdict = tokio::select! {
                () = self.token.cancelled() => return,
                () = async { drop(end.wait_for(Option::is_some).await) } => return,
                answer = answer_to(&mut question) => {
                    question = None;
                    match answer {
                        Ok(value) => self.paid(&outgoing, &value).await,
                        Err(AskError::Refused(refusal)) if refusal.is_failed_payment() => {
                            failed = Some(refusal.why_failed());
                            self.look(&outgoing, failed.as_deref()).await
                        }
                        Err(AskError::Refused(refusal)) if refusal.never_tried() => self.not_tried(&outgoing, refusal),
                        Err(AskError::Closed) => return,
                        Err(_) => self.look(&outgoing, None).await,
                    }
                }
                verdict = look => verdict,
            };
            match verdict {
                Verdict::Open => {}
                Verdict::Ended(payment) => return drop(self.conclude(&outgoing, payment).await),
                Verdict::Withdrawn(error) => return self.withdraw(&outgoing, error).await,
            }
            pause = next_pause;
            next_pause = (next_pause * 2).min(self.longest_poll);
        }
    }

    /// The wallet's record of a payment of ours; `None`: it has none.
    async fn record_of(&self, outgoing: &Outgoing) -> Result<Option<Payment>, AskError> {
        let record = self.lookup(outgoing.invoice.hash).await?;
        let payment = record.and_then(|value| transaction::read(&value, Direction::Out));
        let payment = payment.filter(|payment| payment.direction == Direction::Out);
        if payment.is_some() {
            self.finds_payments.store(true, Ordering::Relaxed);
        }
        Ok(payment)
    }

    /// The wallet says that it has paid. Its record says the rest.
    async fn paid(&self, outgoing: &Outgoing, answer: &Value) -> Verdict {
        let hash = outgoing.invoice.hash;
        let preimage = transaction::preimage(answer.get("preimage").and_then(Value::as_str).unwrap_or_default(), hash);
        let record = self.record_of(outgoing).await;
        let unheard = matches!(record, Err(AskError::NotSent(_) | AskError::Silent(_) | AskError::Closed));
        let settled = PaymentState::Settled { at: UnixMs::from_secs(self.clock.now().as_secs()) };
        let fee = transaction::msats(answer, "fees_paid");
        match record.ok().flatten() {
            Some(payment) if payment.is_settled() => {
                let preimage = payment.preimage.or(preimage);
                Verdict::Ended(Payment { preimage, ..payment })
            }
            // The preimage is the proof, whatever the record says.
            _ if preimage.is_some() => Verdict::Ended(outgoing.ended(settled, fee.unwrap_or_default(), preimage)),
            Some(_) => Verdict::Open,
            None if unheard => Verdict::Open,
            // It has no such record to ask for, so its word is all there is.
            None => Verdict::Ended(outgoing.ended(settled, fee.unwrap_or_default(), None)),
        }
    }

    fn not_tried(&self, outgoing: &Outgoing, refusal: Refusal) -> Verdict {
        let amount = outgoing.invoice.amount.unwrap_or_default();
        let needed = MilliSats(amount.0.saturating_add(fee_at_most(amount).0));
        let available = self.last_balance().map(|(balance, _)| balance).unwrap_or_default();
        Verdict::Withdrawn(refusal.into_error("paying", needed, available))
    }

    /// Looks at the wallet's record of a payment that was asked for. `failed`: what it has said of its end.
    async fn look(&self, outgoing: &Outgoing, failed: Option<&str>) -> Verdict {
        let ended = |reason: &str| Verdict::Ended(outgoing.ended(failure(reason), MilliSats(0), None));
        let record = match (self.record_of(outgoing).await, failed) {
            (Ok(record), _) => record,
            // It has no records to ask for, so its word is all there is.
            (Err(AskError::Refused(refusal)), Some(reason)) if refusal.is_unknown_method() => return ended(reason),
            (Err(_), _) => return Verdict::Open,
        };
        // After this the payee takes no payment, and the wallet no request.
        let is_over = outgoing.invoice.expires_at.max(outgoing.at).plus_ms(GRACE_MS) < self.clock.now();
        // Another connection may lead to another wallet, which knows nothing of what this one's was asked to pay.
        let may_fail = outgoing.client == self.client;
        match (record, failed) {
            (Some(payment), _) if payment.is_settled() => Verdict::Ended(payment),
            (Some(payment), _) if payment.is_pending() => Verdict::Open,
            (_, Some(reason)) if may_fail => ended(reason),
            // After an earlier try, the record of a failure may be that one's.
            (Some(payment), None) if may_fail && (is_over || !outgoing.tried_before) => Verdict::Ended(payment),
            (None, None) if may_fail && is_over => match self.is_unlisted(outgoing).await {
                true => ended("the invoice has expired, and the wallet knows of no payment"),
                false => Verdict::Open,
            },
            _ => Verdict::Open,
        }
    }

    /// Whether a payment without a record was never made. A wallet may have records of invoices only, and a payment that
    /// the payee holds may settle long after the invoice is over: such a wallet's list has to be without it as well.
    async fn is_unlisted(&self, outgoing: &Outgoing) -> bool {
        if self.finds_payments.load(Ordering::Relaxed) {
            return true;
        }
        matches!(self.sent_since(outgoing.at).await, Ok(Some(hashes)) if !hashes.contains(&outgoing.invoice.hash))
    }

    /// The wallet tells of a payment that went out: one of ours, or another program's.
    pub async fn sent(self: &Arc<Self>, payment: Payment) {
        let ours = payment.hash.and_then(|hash| self.records.read(|book| book.of_hash(&hash).cloned()));
        match ours {
            Some(outgoing) if outgoing.is_settled() => {}
            Some(outgoing) => drop(self.conclude(&outgoing, payment).await),
            None => {
                self.records.tell(WalletEvent::Payment(Box::new(payment)));
                self.records.tell(WalletEvent::Changed);
            }
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

/// The answer, if one is waited for.
async fn answer_to(question: &mut Option<Question>) -> Result<Value, AskError> {
    match question {
        Some(question) => question.answer().await,
        None => std::future::pending().await,
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

/// Our guess at the largest fee: NIP-47 has no way to ask.
pub fn fee_at_most(amount: MilliSats) -> MilliSats {
    MilliSats((amount.0 / 100).max(10_000))
}
