//! What providers say before an answer: offers, progress, refusals.

use nostr::Event;

use super::{Consumer, Open};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::offer::{Flaw, Terms, judge};
use crate::domain::payment::{Invoice, Network};
use crate::domain::purchase::{PurchaseFact, PurchaseState};
use crate::domain::time::UnixMs;
use crate::nip90::amount::Amount;
use crate::nip90::feedback::{self, Status};
use crate::node::event::NodeEvent;
use crate::store::{Offer, PurchaseStep, StoreError};
use crate::wallet::bolt11::{self, InvoiceError};

impl Consumer {
    pub(super) async fn feedback(&mut self, id: JobId, event: &Event) -> Result<(), StoreError> {
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        let said = match feedback::parse(event, Some(&open.keys)) {
            Ok(said) => said,
            Err(error) => {
                tracing::debug!(request = %id.short(), "Feedback is not understood: {error}.");
                return Ok(());
            }
        };
        match said.status {
            Status::PaymentRequired => match said.amount {
                Some(amount) => self.offered(id, said.author, &amount).await,
                None => Ok(()),
            },
            Status::Error => self.refused(id, said.author, said.reason.unwrap_or_default()).await,
            Status::Processing | Status::Partial | Status::Success => Ok(()),
        }
    }

    /// Takes in an offer: judges who makes it, then what it says, stores it, and pays it if that is the policy. Whoever may
    /// not offer takes no place from those who may, and is no reason for anything. One that comes when another is paid is
    /// kept as well: it may be that the other had copied it.
    pub(super) async fn offered(&mut self, id: JobId, provider: Pubkey, amount: &Amount) -> Result<(), StoreError> {
        let Some(open) = self.open.get_mut(&id).filter(|open| !open.row.state.is_final()) else { return Ok(()) };
        let terms = Terms { target: open.row.target, bid: open.row.bid, me: self.context.me };
        if let Err(flaw) = terms.admit(provider) {
            tracing::debug!(request = %id.short(), provider = %provider.short(), flaw = flaw.as_str(), "An offer is not heard.");
            open.unheard = open.unheard.saturating_add(1);
            return Ok(());
        }
        let network = self.context.purse.as_ref().map(|purse| purse.wallet.network());
        let offer = read(id, provider, amount, &terms, network, self.context.clock.now());
        let Some(offer) = self.context.store.offer(offer).await? else { return Ok(()) };
        self.context.outlet.tell(NodeEvent::Offer { offer: Box::new(offer.clone()) });
        match offer.flaw {
            Some(flaw) => self.note_flaw(id, &offer, flaw).await,
            None => self.choose(id, false).await,
        }
    }

    /// An offer that is not paid is the reason a request waits, until there is a better one.
    async fn note_flaw(&mut self, id: JobId, offer: &Offer, flaw: Flaw) -> Result<(), StoreError> {
        tracing::info!(request = %id.short(), provider = %offer.provider.short(), flaw = flaw.as_str(), "An offer is not paid.");
        let is_waiting = self.open.get(&id).is_some_and(Open::may_pay);
        if !is_waiting {
            return Ok(());
        }
        let detail = offer.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let words = format!("An offer is not paid: {}{detail}.", flaw.words());
        let row = self.context.store.note_purchase(id, flaw.as_str(), words).await?;
        self.moved(row).await;
        Ok(())
    }

    async fn refused(&mut self, id: JobId, provider: Pubkey, reason: String) -> Result<(), StoreError> {
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        // Our own sentence ends behind it.
        let reason = reason.trim_end().trim_end_matches('.');
        let was_asked = open.row.target == Some(provider);
        let was_paid = open.row.state == PurchaseState::Paid && open.row.provider == Some(provider);
        let step = if was_paid {
            let words = format!("It was paid, and the provider failed: {reason}. Ask it for the money back.");
            PurchaseStep { fact: PurchaseFact::Failed, reason: Some(("failed-after-payment", words)) }
        } else if was_asked && matches!(open.row.state, PurchaseState::Drafted | PurchaseState::Published) && !open.is_paying {
            PurchaseStep { fact: PurchaseFact::Failed, reason: Some(("refused", format!("The provider refuses: {reason}."))) }
        } else {
            return Ok(());
        };
        if let Some(row) = self.context.store.step(id, step, self.context.clock.now()).await? {
            self.moved(row).await;
        }
        Ok(())
    }
}

/// An offer as it came, with what is wrong about it by itself.
fn read(request: JobId, provider: Pubkey, amount: &Amount, terms: &Terms, network: Option<Network>, now: UnixMs) -> Offer {
    let mut offer = Offer {
        request,
        provider,
        bolt11: amount.invoice.clone().unwrap_or_default(),
        hash: None,
        claimed: amount.msats,
        asked: None,
        expires_at: None,
        flaw: None,
        detail: None,
        at: now,
    };
    let judged = match &amount.invoice {
        None => Err((Flaw::NoInvoice, None)),
        Some(text) => bolt11::decode(text).map_err(flaw_of).and_then(|invoice| {
            offer.hash = Some(invoice.hash);
            offer.asked = invoice.amount;
            offer.expires_at = Some(invoice.expires_at);
            let network = network.ok_or((Flaw::NoWallet, None))?;
            examine(&invoice, amount, provider, terms, network, now)
        }),
    };
    if let Err((flaw, detail)) = judged {
        offer.flaw = Some(flaw);
        offer.detail = detail;
    }
    offer
}

type Flawed = (Flaw, Option<String>);

fn examine(invoice: &Invoice, amount: &Amount, provider: Pubkey, terms: &Terms, network: Network, now: UnixMs) -> Result<(), Flawed> {
    let asked = invoice.amount.unwrap_or_default();
    bolt11::payable(invoice, network, now).map_err(flaw_of)?;
    judge(terms, provider, asked, amount.msats).map_err(|flaw| match flaw {
        Flaw::OtherAmount => (flaw, Some(format!("{} msats instead of {}", asked.0, amount.msats.0))),
        Flaw::OverBid => (flaw, Some(format!("{} sats", asked.ceil_sats()))),
        flaw => (flaw, None),
    })
}

/// The name of what is wrong with an invoice.
pub(super) fn flaw_of(error: InvoiceError) -> Flawed {
    let flaw = match &error {
        InvoiceError::Malformed(_) => Flaw::Malformed,
        InvoiceError::WrongNetwork { .. } => Flaw::WrongNetwork,
        InvoiceError::NoAmount | InvoiceError::ZeroAmount => Flaw::NoAmount,
        InvoiceError::Expired(_) => Flaw::Expired,
    };
    (flaw, Some(error.to_string()))
}
