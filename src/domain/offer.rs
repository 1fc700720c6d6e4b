//! What a provider asks for a request, and every reason not to pay it.

use super::ids::Pubkey;
use super::money::MilliSats;
use super::words::names;

names! {
    /// Why an offer is not paid. Each has a name that never changes.
    pub enum Flaw {
        /// Somebody else was asked.
        NotAsked = "not-asked",
        /// It is ours.
        Own = "own",
        /// An amount without an invoice: nothing can be paid.
        NoInvoice = "no-invoice",
        /// The invoice cannot be read.
        Malformed = "malformed",
        WrongNetwork = "wrong-network",
        /// The invoice names no amount, or 0.
        NoAmount = "no-amount",
        Expired = "expired",
        /// The invoice asks for another amount than the offer says.
        OtherAmount = "other-amount",
        /// More than the request's bid.
        OverBid = "over-bid",
        /// The provider has made another offer for this request before.
        SecondOffer = "second-offer",
        /// The invoice stands in another offer, of another request or another provider.
        ReusedInvoice = "reused-invoice",
        /// This provider's invoices have lied before.
        LiedBefore = "lied-before",
        /// The wallet has paid its invoice, or is at it, and the ledger does not know what for. That may have been for this
        /// request, so nothing else is paid for it.
        PaidBefore = "paid-before",
        /// A limit of the user's own forbids it.
        OverLimit = "over-limit",
        /// The wallet would not pay it, and says why.
        WalletRefused = "wallet-refused",
        /// There is no wallet to pay it with.
        NoWallet = "no-wallet",
    }
}

impl Flaw {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotAsked => "somebody else was asked",
            Self::Own => "it is an offer of our own",
            Self::NoInvoice => "it names an amount and no invoice",
            Self::Malformed => "its invoice cannot be read",
            Self::WrongNetwork => "its invoice is for another network than the wallet's",
            Self::NoAmount => "its invoice names no amount, so anything could be asked for",
            Self::Expired => "its invoice has run out",
            Self::OtherAmount => "its invoice asks for another amount than the offer says",
            Self::OverBid => "it is more than the bid",
            Self::SecondOffer => "this provider has made another offer before; the first one counts",
            Self::ReusedInvoice => "its invoice stands in another offer",
            Self::LiedBefore => "an earlier invoice of this provider was not what its offer said",
            Self::PaidBefore => "the wallet has paid its invoice before, or is paying it; nothing else is paid for this request",
            Self::OverLimit => "a spending limit forbids it",
            Self::WalletRefused => "the wallet would not pay it",
            Self::NoWallet => "there is no wallet to pay it with",
        }
    }
}

/// What an offer has to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Who was asked; `None`: anybody.
    pub target: Option<Pubkey>,
    pub bid: Option<MilliSats>,
    /// Our own key.
    pub me: Pubkey,
}

impl Terms {
    /// Whether this key may offer at all. Whoever may not is not heard, whatever it says.
    pub fn admit(&self, provider: Pubkey) -> Result<(), Flaw> {
        if provider == self.me {
            return Err(Flaw::Own);
        }
        if self.target.is_some_and(|target| target != provider) {
            return Err(Flaw::NotAsked);
        }
        Ok(())
    }
}

/// Judges what can be judged without looking at the invoice or the ledger.
pub fn judge(terms: &Terms, provider: Pubkey, invoice_amount: MilliSats, claimed: MilliSats) -> Result<(), Flaw> {
    terms.admit(provider)?;
    if invoice_amount != claimed {
        return Err(Flaw::OtherAmount);
    }
    if terms.bid.is_some_and(|bid| invoice_amount > bid) {
        return Err(Flaw::OverBid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Pubkey = Pubkey([1; 32]);
    const TARGET: Pubkey = Pubkey([2; 32]);
    const TERMS: Terms = Terms { target: Some(TARGET), bid: Some(MilliSats(5_000)), me: ME };

    #[test]
    fn an_offer_is_from_who_was_asked_over_what_it_says_and_within_the_bid() {
        assert_eq!(judge(&TERMS, TARGET, MilliSats(5_000), MilliSats(5_000)), Ok(()));
        assert_eq!(judge(&TERMS, Pubkey([3; 32]), MilliSats(1), MilliSats(1)), Err(Flaw::NotAsked));
        assert_eq!(judge(&TERMS, ME, MilliSats(1), MilliSats(1)), Err(Flaw::Own));
        assert_eq!(judge(&TERMS, TARGET, MilliSats(100_000_000), MilliSats(1_000)), Err(Flaw::OtherAmount));
        assert_eq!(judge(&TERMS, TARGET, MilliSats(5_001), MilliSats(5_001)), Err(Flaw::OverBid));
        let open = Terms { target: None, bid: None, ..TERMS };
        assert_eq!(judge(&open, Pubkey([3; 32]), MilliSats(u64::MAX), MilliSats(u64::MAX)), Ok(()));
    }

    #[test]
    fn a_flaw_is_spelled_in_the_ledger_as_in_json() {
        for flaw in Flaw::ALL {
            assert_eq!(serde_json::to_string(flaw).expect("json"), format!("\"{flaw}\""));
            assert!(flaw.words().len() > 10);
        }
    }
}
